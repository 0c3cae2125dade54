"""Tunes a text encoder: what people turn to one after another moves together, the rest of the batch apart.

The loss and the batches are those of sentence-transformers. Its trainer is not: it needs two packages more, and its
checkpoints are pickles.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.errors import InvalidInput, Misconfigured
from app.domain.progress import Progress
from app.training.encoder_pairs import Pairs

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINT = "encoder.checkpoint.safetensors"
WARM_SHARE = 0.1
# Losses of so many steps make the first and the last loss that is told.
N_TOLD = 10


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What may be chosen. Training ends after `minutes` or `n_passes` over the pairs, whichever comes first.

    A batch is smaller where there are few texts. `lora` trains small matrices beside the weights, merged at the end.
    """

    minutes: float = 10.0
    lora: bool = False
    batch: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    n_passes: int = 3
    save_every_s: float = 60.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class TunedEncoder:
    """`net` is a SentenceTransformer; `about` tells how it was made."""

    net: Any
    about: dict[str, Any]

    def write(self, folder: Path) -> None:
        """A sentence-transformers folder: safetensors and JSON, with one folder for each module without weights."""
        self.net.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def refuse_lora(settings: EncoderSettings) -> None:
    """Raises Misconfigured where LoRA is asked for and cannot be had."""
    if settings.lora and find_spec("peft") is None:
        raise Misconfigured(
            "LoRA needs the package peft, which is not installed.",
            "Install it (pip install peft), or train all weights: leave --lora out.",
        )


def tune_encoder(
    pairs: Pairs, base: Path, settings: EncoderSettings, progress: Progress, folder: Path, mark: str = ""
) -> TunedEncoder:
    """Blocking, up to `settings.minutes`; `base` is the folder of the model to begin with.

    `folder` keeps a checkpoint, from which a training that was interrupted goes on as if it had not been; it is
    removed at the end. `mark` is a word for whoever asks `interrupted` later. What `progress` raises ends it.
    Raises InvalidInput where no batch can be put together, Misconfigured for LoRA without peft.
    """
    import torch

    refuse_lora(settings)
    with torch.random.fork_rng():
        training = _Training(pairs, base, settings, mark)
        training.resume(folder)
        training.run(progress, folder)
        tuned = TunedEncoder(training.finished(), training.about)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return tuned


def interrupted(folder: Path, at_least: float) -> str | None:
    """The mark of a checkpoint that was written since `at_least` (seconds since 1970); None without one."""
    from safetensors import SafetensorError, safe_open

    path = folder / CHECKPOINT
    try:
        if path.stat().st_mtime < at_least:
            return None
        with safe_open(path, "pt") as file:
            return (file.metadata() or {}).get("mark")
    except (FileNotFoundError, SafetensorError):
        return None


@dataclass(slots=True)
class _Standing:
    """How far a training has come; with the tensors all that a checkpoint holds."""

    n_passes: int = 0
    n_in_pass: int = 0
    spent_s: float = 0.0
    losses: list[float] = field(default_factory=list)


class _Columns:
    """Pairs as the sampler of sentence-transformers reads a data set."""

    column_names = ("anchor", "positive")

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, row: int) -> dict[str, str]:
        texts = self._pairs.texts
        return {"anchor": texts[self._pairs.anchors[row]], "positive": texts[self._pairs.positives[row]]}


def batches(pairs: Pairs, size: int, seed: int, n_pass: int) -> Iterator[list[dict[str, str]]]:
    """One pass over the pairs, shuffled anew each time: full batches in which no text occurs twice, so that none is
    told apart from itself.
    """
    import torch
    from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

    columns: Any = _Columns(pairs)
    generator = torch.Generator()
    sampler = NoDuplicatesBatchSampler(columns, size, drop_last=True, generator=generator, seed=seed)
    sampler.set_epoch(n_pass)
    for rows in sampler:
        yield [columns[row] for row in rows]


class _Training:
    def __init__(self, pairs: Pairs, base: Path, settings: EncoderSettings, mark: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

        self._pairs, self._settings, self._mark = pairs, settings, mark
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._net: Any = SentenceTransformer(str(base), device=str(self._device), local_files_only=True)
        self._net.tokenizer.split_special_tokens = True
        # Words that no pair holds must go on meaning what they do beside those that one holds; and half of the weights
        # of MiniLM need no gradient.
        first: Any = self._net[0]
        first.auto_model.get_input_embeddings().requires_grad_(False)
        if settings.lora:
            torch.manual_seed(settings.seed)
            _adapt(self._net)
        self._size = max(2, min(settings.batch, len(pairs.texts) // 4))
        self._n_steps = max(1, len(pairs) // self._size) * settings.n_passes
        both: Any = ("query_to_doc", "doc_to_query")
        self._loss = MultipleNegativesRankingLoss(self._net, directions=both, partition_mode="per_direction")
        self._weights = {name: one for name, one in self._net.named_parameters() if one.requires_grad}
        self._optimizer = torch.optim.AdamW(
            self._weights.values(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._identity = _identity(pairs, settings, base)
        self._standing = _Standing()

    @property
    def share(self) -> float:
        """How much of the training is behind; by the clock only where that is the tighter limit."""
        by_clock = self._standing.spent_s / (60 * self._settings.minutes)
        return min(1.0, max(len(self._standing.losses) / self._n_steps, by_clock))

    @property
    def about(self) -> dict[str, Any]:
        losses = self._standing.losses
        return {
            "n_pairs": len(self._pairs),
            "n_texts": len(self._pairs.texts),
            "n_steps": len(losses),
            "batch": self._size,
            "seconds": round(self._standing.spent_s, 1),
            "loss": [round(sum(some) / len(some), 4) for some in (losses[:N_TOLD], losses[-N_TOLD:])],
            "settings": asdict(self._settings),
        }

    def run(self, progress: Progress, folder: Path) -> None:
        saved_at, standing = time.monotonic(), self._standing
        self._net.train()
        while self.share < 1:
            before = len(standing.losses)
            for batch in self._left_in_pass():
                self._step(batch)
                if time.monotonic() - saved_at >= self._settings.save_every_s:
                    self.save(folder)
                    saved_at = time.monotonic()
                progress(self.share, f"pass {standing.n_passes + 1}, loss {_mean(standing.losses[-N_TOLD:]):.3f}")
                if self.share >= 1:
                    return
            if not standing.n_in_pass and len(standing.losses) == before:
                raise InvalidInput(
                    "The texts repeat so much that no batch of different ones can be put together.",
                    "Give the items titles or descriptions that tell them apart.",
                )
            standing.n_passes, standing.n_in_pass = standing.n_passes + 1, 0

    def _left_in_pass(self) -> Iterator[list[dict[str, str]]]:
        whole = batches(self._pairs, self._size, self._settings.seed, self._standing.n_passes)
        for _ in range(self._standing.n_in_pass):
            next(whole, None)
        return whole

    def _step(self, batch: list[dict[str, str]]) -> None:
        """All that is random in it hangs on the seed and its number alone."""
        import torch

        started, standing = time.monotonic(), self._standing
        torch.manual_seed(self._settings.seed * 1_000_003 + len(standing.losses))
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * _schedule(self.share)
        columns = [self._read([pair[name] for pair in batch]) for name in _Columns.column_names]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            loss = self._loss(columns, torch.empty(0))
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._weights.values(), 1.0)
        self._optimizer.step()
        standing.losses.append(round(loss.item(), 5))
        standing.n_in_pass += 1
        standing.spent_s += time.monotonic() - started

    def _read(self, texts: list[str]) -> dict[str, Any]:
        """What the net reads: tensors on its device, beside words for its modules."""
        features: dict[str, Any] = self._net.preprocess(texts)
        return {name: one.to(self._device) if hasattr(one, "to") else one for name, one in features.items()}

    def finished(self) -> Any:
        self._net.eval()
        if self._settings.lora:
            self._net[0].model = self._net[0].model.merge_and_unload()
        return self._net

    def save(self, folder: Path) -> None:
        """One file, replaced whole."""
        from safetensors.torch import save_file

        tensors: dict[str, Tensor] = {f"now.{name}": one.detach() for name, one in self._weights.items()}
        for number, moments in self._optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in moments.items()}
        about = {"identity": self._identity, "mark": self._mark, "standing": json.dumps(asdict(self._standing))}
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{CHECKPOINT}.unfinished"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished, about)
        unfinished.replace(folder / CHECKPOINT)

    def resume(self, folder: Path) -> None:
        """Goes on from a checkpoint of the same pairs and settings; passes over any other, and a damaged one."""
        import torch
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(folder / CHECKPOINT, "pt", device=str(self._device)) as file:
                about = file.metadata() or {}
                if about.get("identity") != self._identity:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except (FileNotFoundError, SafetensorError):
            return
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(tensors[f"now.{name}"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "adam":
                number, moment = rest.split(".")
                state.setdefault(int(number), {})[moment] = tensor
        self._optimizer.load_state_dict({"state": state, "param_groups": self._optimizer.state_dict()["param_groups"]})
        self._standing = replace(self._standing, **json.loads(about["standing"]))


def _adapt(net: Any) -> None:
    """Small matrices beside all linear layers; only they learn (Hu et al. 2021, arXiv:2106.09685)."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear")
    net[0].model = get_peft_model(net[0].model, config)


def _schedule(share: float) -> float:
    """Up in the first tenth, then down along a cosine."""
    if share < WARM_SHARE:
        return max(share / WARM_SHARE, 0.01)
    return max(0.5 * (1 + math.cos(math.pi * (share - WARM_SHARE) / (1 - WARM_SHARE))), 0.01)


def _mean(losses: list[float]) -> float:
    return sum(losses) / len(losses)


def _identity(pairs: Pairs, settings: EncoderSettings, base: Path) -> str:
    """Tells one training from another; how long it may take and how often it is saved is no part of it."""
    seen = zlib.crc32(pairs.positives.tobytes(), zlib.crc32(pairs.anchors.tobytes()))
    for path in sorted(base.glob("*.safetensors")):
        seen = zlib.crc32(path.read_bytes(), seen)
    words = json.dumps([pairs.texts, asdict(replace(settings, minutes=0.0, save_every_s=0.0))])
    return f"{zlib.crc32(words.encode(), seen):08x}-{len(pairs)}"
