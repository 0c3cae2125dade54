"""Settings: what the environment says, and what it must not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bootstrap import secret_of
from app.domain.errors import Misconfigured
from app.settings import Settings, misspelt


def test_weights_change_single_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAIT_WEIGHTS", '{"view": 0.9, "wishlist": 0.5}')
    by_type = Settings.load().ingest.weights.by_type
    assert (by_type["view"], by_type["wishlist"], by_type["purchase"]) == (0.9, 0.5, 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTRAIT_WEIGHTS", '{"view": 2}'),
        ("PORTRAIT_PORT", "http"),
        ("PORTRAIT_SHORT_HALF_LIFE_DAYS", "0"),
        *(("PORTRAIT_DECODER_EPSILON", value) for value in ("0", "-1", "nan", "inf", "101", "much")),
    ],
)
def test_a_bad_setting_is_named_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refusal:
        Settings.load()
    assert name in refusal.value.hint
    assert "http" not in refusal.value.hint


def test_keys_are_separated_by_commas_and_stay_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAIT_API_KEYS", f"{'a' * 32}, {'b' * 32}")
    settings = Settings.load()
    assert [key.get_secret_value()[0] for key in settings.api_keys] == ["a", "b"]
    assert "aaa" not in repr(settings)


def test_a_misspelt_setting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAIT_DATBASE_URL", "x")
    monkeypatch.setenv("PORTRAIT_SOMETHING_ELSE", "x")
    assert misspelt() == {"PORTRAIT_DATBASE_URL": "PORTRAIT_DATABASE_URL"}


def test_the_secret_is_made_once_for_all_workers(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new", _env_file=None)
    secret = secret_of(settings)
    assert len(secret) == 64
    assert secret_of(settings) == secret
    assert (tmp_path / "new" / "secret").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret"]
