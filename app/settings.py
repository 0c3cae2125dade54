"""What an operator may change: environment variables `PORTRAIT_...`, or a file `.env` in the working folder."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from difflib import get_close_matches
from os import environ
from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.domain.errors import Misconfigured
from app.domain.limits import MAX_RATE
from app.ingest.rules import IngestRules
from app.ingest.weigh import BUILT_IN, Weights
from app.privacy.encryption import KEY_BYTES, MasterKeys
from app.profiles.decay import HalfLives

PREFIX = "PORTRAIT_"
MIN_KEY = 20  # characters; a key that can be guessed is no key

_Days = Annotated[float, Field(gt=0, le=36_525)]
_Weight = Annotated[float, Field(ge=-1, le=1)]


class Settings(BaseSettings):
    """Every field is a variable: `api_keys` is PORTRAIT_API_KEYS."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=lambda: user_data_path("portrait"), description="Database and artifacts.")
    database_url: str | None = Field(None, repr=False, description="Postgres 14+; without one `serve` brings its own.")
    pool_size: int = Field(8, ge=1, le=200, description="Database connections of one process.")

    host: str = Field("127.0.0.1", description="Another address than the loopback needs a key.")
    port: int = Field(8000, ge=0, le=65_535, description="0: a free one, told at the start.")
    workers: int = Field(1, ge=1, le=64, description="Server processes.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), description="For everything; separated by commas.")
    rate_limit: int = Field(0, ge=0, le=MAX_RATE, description="Requests a minute of a key and process; 0: no limit.")
    max_in_flight: int = Field(100, ge=1, le=10_000, description="Requests that a process works on at a time.")
    max_wait_ms: float = Field(10.0, gt=0, le=10_000, description="Longer for one's turn: 503 `overloaded`.")
    oidc_issuer: str | None = Field(None, description="Whose bearer tokens are good too: its address, as they say it.")
    oidc_audience: str | None = Field(None, description="Whom these tokens must be for.")
    secret: SecretStr | None = Field(
        None, description="Signs cursors and receipts, hashes erased ids: keep it, the same on every machine."
    )

    master_key: SecretStr | None = Field(
        None, description="Stores users encrypted, from the first one on: `portrait keys master` prints one."
    )
    master_key_old: SecretStr | None = Field(None, description="The one before, until `portrait keys rotate-master`.")

    encoder_model: str | None = Field(None, description="A sentence-transformers name or folder; none: MiniLM.")
    encoder_device: str | None = Field(None, description="`cpu` or `cuda`; none: what there is.")
    encoder_threads: int = Field(1, ge=1, le=256, description="Of each process.")

    narrator: str | None = Field(None, description="`local:` and a model, or an address; none: a template.")
    narrator_model: str | None = Field(None, description="Which model, where the narrator is an address.")
    narrator_key: SecretStr | None = Field(None, description="The key of that address.")

    long_half_life_days: _Days = Field(HalfLives().long_days, description="What a person is like.")
    short_half_life_days: _Days = Field(HalfLives().short_days, description="What they are after just now.")
    decoder_minutes: float = Field(0.0, ge=0, le=1_440, description="Time to train the decoder; 0 leaves it out.")
    decoder_epsilon: float | None = Field(
        None, gt=0, le=100, allow_inf_nan=False, description="All that the decoder may tell of a user; none: no limit."
    )
    weights: dict[str, _Weight] = Field({}, description="Weights of behaviour types over the built-in ones, as JSON.")
    rating_max: float = Field(Weights().rating_max, gt=1, le=1_000, description="The best rating; 1 is the worst.")
    retention_days: _Days = Field(IngestRules().retention_days, description="Older behaviours are refused.")
    retention: dict[str, _Days] = Field({}, description="Days by type of behaviour; older ones are deleted, as JSON.")
    decisions_days: _Days = Field(30.0, description="How long is known what was recommended.")
    user_day_epsilon: float = Field(1.0, gt=0, le=20, description="All that private releases may tell of a user's day.")
    future_minutes: float = Field(IngestRules().future_minutes, ge=0, le=1_440, description="How wrong clocks may go.")
    burst_per_minute: int = Field(IngestRules().burst_per_minute, ge=1, description="More of one user: flagged.")
    robot_per_day: int = Field(IngestRules().robot_per_day, ge=1, description="More of one user: flagged.")
    unknown_items: Literal["accept", "refuse"] = Field("accept", description="`refuse`: only items of the catalogue.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Or `debug`, `warning`, `error`."
    )
    log_format: Literal["auto", "json", "console"] = Field("auto", description="auto: console on a terminal.")
    traces: bool = Field(False, description="Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`.")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("api_keys")
    @classmethod
    def _not_guessable(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < MIN_KEY for key in keys):
            raise ValueError(f"an API key needs at least {MIN_KEY} characters")
        return keys

    @field_validator("master_key", "master_key_old")
    @classmethod
    def _of_32_bytes(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and _decoded(key) is None:
            raise ValueError("a master key is 32 random bytes in base64: `portrait keys master` prints one")
        return key

    @model_validator(mode="after")
    def _not_only_the_old_one(self) -> Self:
        if self.master_key_old is not None and self.master_key is None:
            raise ValueError("without PORTRAIT_MASTER_KEY the old one has no meaning")
        return self

    @classmethod
    def load(cls) -> Self:
        """Reads the environment; raises `Misconfigured` that names the variables and never shows their values."""
        try:
            return cls()
        except ValidationError as error:
            wrong = "; ".join(f"{_variable(one['loc'])}: {one['msg']}" for one in error.errors())
            raise Misconfigured("The settings do not hold.", f"Correct {wrong}.") from None

    @property
    def ingest(self) -> IngestRules:
        return IngestRules(
            weights=Weights({**BUILT_IN, **self.weights}, self.rating_max),
            retention_days=self.retention_days,
            retention=self.retention,
            future_minutes=self.future_minutes,
            burst_per_minute=self.burst_per_minute,
            robot_per_day=self.robot_per_day,
            unknown_items=self.unknown_items,
        )

    @property
    def master_keys(self) -> MasterKeys | None:
        keys = [key for key in (self.master_key, self.master_key_old) if key is not None]
        return MasterKeys(*(_decoded(key) or b"" for key in keys)) if keys else None

    @property
    def half_lives(self) -> HalfLives:
        return HalfLives(self.long_half_life_days, self.short_half_life_days)

    @property
    def artifacts_dir(self) -> Path:
        return self.data_dir / "artifacts"

    @property
    def is_exposed(self) -> bool:
        """Whether others than this machine reach the service."""
        return not _is_loopback(self.host)

    def refuse_useless_door(self, has_keys: bool) -> None:
        """Raises `Misconfigured` where a network reaches the service and nobody has a key for it (`has_keys`: the
        database has some).
        """
        if self.api_keys or has_keys or self.oidc_issuer or not self.is_exposed:
            return
        raise Misconfigured(
            "Without an API key the service listens on this machine only.",
            f"Make one with `portrait keys create`, set {PREFIX}API_KEYS, or leave {PREFIX}HOST at 127.0.0.1.",
        )


def misspelt() -> dict[str, str]:
    """Variables in the environment that look like settings and are none, each with the setting it resembles."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    unknown = [name for name in environ if name.startswith(PREFIX) and name not in known]
    near = {name: get_close_matches(name, known, n=1, cutoff=0.8) for name in unknown}
    return {name: matches[0] for name, matches in near.items() if matches}


def _variable(loc: tuple[int | str, ...]) -> str:
    """What is wrong with all of them together is said of the one that needs another."""
    return PREFIX + (str(loc[0]) if loc else "master_key_old").upper()


def _decoded(key: SecretStr) -> bytes | None:
    try:
        found = base64.b64decode(key.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == KEY_BYTES else None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
