"""Trains the decoder: rounds of steps, each followed by an exam on the newest behaviours and a checkpoint."""

from __future__ import annotations

import json
import math
import secrets
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.domain.catalogue import Vectors
from app.domain.errors import InvalidInput
from app.retrieval.artifact import Arrays
from app.retrieval.base import Log
from app.retrieval.decoder import N_MEASURES
from app.training.decoder_windows import Integers, Sequences, Window, Windows, batches

if TYPE_CHECKING:
    from torch import Tensor

    from app.training.decoder_private import PrivateSteps


Progress = Callable[[float, str], None]

FEWEST_BEHAVIORS = 100
CHECKPOINT = "decoder.checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class DecoderSettings:
    """What may be chosen. A pass reads every behaviour once, a round is at most `steps_per_round` batches of it.

    The full softmax up to `full_softmax_items` items, `n_negatives` sampled ones beyond: NDCG@10 of new items .044
    against .038 on 6,000 items (IFDB, at most 90 s on one core; batches of 16 and 32: .044, of 64: .041). Training
    ends after `n_passes`, after `patience` passes without a better exam, or after `minutes`, which are more than 0.

    With an `epsilon` no user tells more than that (training.budget): `batch` are users a step on average, a pass draws
    each user once on average, there is no exam, and the last decoder is the one.
    """

    width: int = 64
    n_layers: int = 2
    n_heads: int = 2
    length: int = 50
    dropout: float = 0.2
    id_dropout: float = 0.2
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    n_passes: float = 30
    patience: float = 4.0
    minutes: float = 10.0
    steps_per_round: int = 200
    full_softmax_items: int = 20_000
    n_negatives: int = 2048
    seed: int = 7
    epsilon: float | None = None


@dataclass(frozen=True, slots=True)
class TrainedDecoder:
    """`arrays` are what `retrieval.decoder` and `networks.forward` read; `about` says how they are to be read."""

    arrays: Arrays
    about: dict[str, Any]

    def write(self, folder: Path) -> None:
        """`decoder.safetensors` and `decoder.json`."""
        from safetensors.numpy import save_file

        save_file(self.arrays, folder / "decoder.safetensors")
        (folder / "decoder.json").write_text(json.dumps(self.about))


def train_decoder(
    log: Log, vectors: Vectors, settings: DecoderSettings, progress: Progress, folder: Path
) -> TrainedDecoder:
    """Blocking, up to `settings.minutes`; `log` is what users wanted, `vectors` (P, E) the items' half-whitened texts.

    `folder` keeps a checkpoint after each round, from which a training that was interrupted goes on as if it had not
    been; it is removed at the end. What `progress` raises ends it. The same seed gives the same decoder but for
    rounding, as long as the time does not run out.
    Raises InvalidInput when there are too few behaviours to learn an order from; with an `epsilon` `Misconfigured`
    without Opacus.
    """
    import torch

    sequences = Sequences(log, settings.length, settings.seed, hold_out=settings.epsilon is None)
    n_items = np.count_nonzero(sequences.counts)
    if n_items < 2 or sequences.n_asked < FEWEST_BEHAVIORS:
        raise InvalidInput(
            f"There is too little to train a decoder: {sequences.n_asked} behaviours that follow another one of the "
            f"same user; the number of items is {n_items}.",
            f"It needs {FEWEST_BEHAVIORS} of them on two items; the other generators learn from less.",
        )
    with torch.random.fork_rng():
        training = _Training(log, vectors, settings, sequences)
        training.resume(folder)
        while training.share < 1 and not training.stale:
            training.round()
            training.save(folder)
            progress(min(training.share, 1.0), f"epoch {training.passes:.1f}, {training.told}")
        trained = training.result(log.type_names)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return trained


@dataclass(slots=True)
class _Standing:
    """How far a training has come; with the tensors all that a checkpoint holds."""

    n_rounds: int = 0
    n_steps: int = 0
    score: float = 0.0
    best_score: float = -1.0
    best_round: int = 0
    spent_s: float = 0.0


class _Training:
    def __init__(self, log: Log, vectors: Vectors, settings: DecoderSettings, sequences: Sequences) -> None:
        import torch

        from app.networks.decoder import Decoder, DecoderSizes, ItemTable, NextItem

        torch.manual_seed(settings.seed)
        self._settings = settings
        self._sequences = sequences
        self._identity = _identity(log, vectors, settings)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._sizes = DecoderSizes(
            n_types=len(log.type_names),
            n_features=N_MEASURES + len(log.type_names) + 1,
            width=settings.width,
            n_layers=settings.n_layers,
            n_heads=settings.n_heads,
            length=settings.length,
            dropout=settings.dropout,
        )
        texts = vectors if vectors.shape[1] else np.full((len(vectors), 1), np.nan, dtype=np.float32)
        table = ItemTable(torch.from_numpy(texts), settings.width, settings.id_dropout)
        self._network = NextItem(table, Decoder(self._sizes)).to(self._device)
        self._table, self._decoder = self._network.table, self._network.decoder
        # How often an item comes is told by many: what has a budget begins without.
        private = settings.epsilon is not None
        counts = np.zeros_like(sequences.counts) if private else sequences.counts
        shares = (counts + 1) / (counts + 1).sum()
        self._log_shares = torch.from_numpy(np.log(shares).astype(np.float32)).to(self._device)
        with torch.no_grad():
            # The softmax begins with how often each item comes and has only the rest to learn.
            self._table.bias.copy_(self._log_shares - self._log_shares.mean())
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._best = self._state()
        n_examples = len(sequences.users if private else sequences.cut(np.random.default_rng(settings.seed)))
        steps_per_pass = math.ceil(n_examples / settings.batch)
        self._steps_per_round = min(settings.steps_per_round, steps_per_pass)
        self._rounds_per_pass = steps_per_pass / self._steps_per_round
        self._private = self._private_steps(round(settings.n_passes * steps_per_pass))
        self.standing = _Standing()

    def _private_steps(self, n_steps: int) -> PrivateSteps | None:
        if self._settings.epsilon is None:
            return None
        from app.training.decoder_private import PrivateSteps

        return PrivateSteps(self._settings.epsilon, self._sequences, self._settings.batch, n_steps)

    @property
    def passes(self) -> float:
        return self.standing.n_rounds / self._rounds_per_pass

    @property
    def told(self) -> str:
        """How well it goes, for people."""
        if self._private:
            return f"epsilon {self._private.budget.spent(self.standing.n_steps):.2f}"
        return f"validation NDCG@10 {self.standing.score:.4f}"

    @property
    def share(self) -> float:
        """How much of the training is behind; by the clock only where that is the tighter limit."""
        by_clock = self.standing.spent_s / (60 * self._settings.minutes)
        return max(self.passes / self._settings.n_passes, by_clock)

    @property
    def stale(self) -> bool:
        """Whether the exam has been no better for so long that it will not be."""
        waited = (self.standing.n_rounds - self.standing.best_round) / self._rounds_per_pass
        return bool(self._sequences.held) and waited >= self._settings.patience

    def round(self) -> None:
        """Steps, then the exam. All that is random in it hangs on the seed and its number alone, or on the system."""
        started, standing = time.monotonic(), self.standing
        rng = self._chance()
        order = self._sequences.shuffled(rng)
        before = standing.spent_s
        self._network.train()
        for chosen in self._batches(rng):
            self._step(chosen, order)
            standing.spent_s = before + time.monotonic() - started
            if standing.spent_s >= 60 * self._settings.minutes:
                break
        standing.n_rounds += 1
        standing.score = self._examine()
        if standing.score > standing.best_score or not self._sequences.held:
            standing.best_score, standing.best_round, self._best = standing.score, standing.n_rounds, self._state()
        standing.spent_s = before + time.monotonic() - started

    def _chance(self) -> np.random.Generator:
        """Where there is a budget nobody can repeat it: a known seed would let the noise be taken off again."""
        import torch

        if self._private:
            torch.manual_seed(secrets.randbits(63))
            return np.random.default_rng()
        torch.manual_seed(self._settings.seed * 1_000_003 + self.standing.n_rounds)
        return np.random.default_rng([self._settings.seed, self.standing.n_rounds])

    def _batches(self, rng: np.random.Generator) -> Iterator[list[Window]]:
        if self._private:
            return self._private.batches(self._steps_per_round, self.standing.n_steps, rng)
        return batches(self._sequences.cut(rng), self._settings.batch, self._steps_per_round, rng)

    def _step(self, chosen: list[Window], order: Integers) -> None:
        warm = min(1.0, (self.standing.n_steps + 1) / 100)
        cosine = 0.5 * (1 + math.cos(math.pi * min(self.share, 1.0)))
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * warm * max(cosine, 0.01)
        if self._private:
            losses = (self._loss(self._sequences.windows([window], order)) for window in chosen)
            self._private.set_gradient(losses, list(self._network.parameters()))
        else:
            self._set_gradient(self._sequences.windows(chosen, order))
        self._optimizer.step()
        self.standing.n_steps += 1

    def _set_gradient(self, windows: Windows) -> None:
        import torch

        loss = self._loss(windows)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)

    def _loss(self, windows: Windows) -> Tensor:
        import torch

        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            return self._softmax(windows)

    def _softmax(self, windows: Windows) -> Tensor:
        import torch

        from app.networks.losses import full_softmax, sampled_softmax

        targets = self._tensor(windows.targets)
        asked = targets >= 0
        wanted, n_items = targets[asked], len(self._log_shares)
        if n_items <= self._settings.full_softmax_items:
            table = self._table(torch.arange(n_items, device=self._device))
            hidden = self._hidden(windows, table[self._tensor(windows.items)])
            return full_softmax(hidden[asked], wanted, table, self._table.bias)
        drawn, log_q = self._draw()
        read = self._tensor(windows.items)
        used, place = torch.unique(torch.cat([read.flatten(), wanted, drawn]), return_inverse=True)
        table, bias = self._table(used), self._table.bias[used]
        at_read, at_wanted, at_drawn = place.split([read.numel(), len(wanted), len(drawn)])
        hidden = self._hidden(windows, table[at_read.view(read.shape)])
        return sampled_softmax(
            hidden[asked],
            (wanted, table[at_wanted], bias[at_wanted]),
            (drawn, table[at_drawn], bias[at_drawn]),
            log_q,
        )

    def _draw(self) -> tuple[Tensor, Tensor]:
        """(S,) negatives, half of them by how often they come and half evenly, with the logarithms of their chances."""
        import torch

        chances = (self._log_shares.exp() + 1 / len(self._log_shares)) / 2
        sums = chances.double().cumsum(0)
        at = torch.rand(self._settings.n_negatives, dtype=torch.float64, device=self._device) * sums[-1]
        drawn = torch.searchsorted(sums, at).clamp(max=len(chances) - 1)
        return drawn, chances[drawn].log()

    def _hidden(self, windows: Windows, vectors: Tensor) -> Tensor:
        """(B, T + 1, D)"""
        from app.networks.decoder import Behaviors

        read = (windows.items, windows.types, windows.at, windows.asked_at, windows.profile)
        hidden: Tensor = self._decoder(vectors, Behaviors(*map(self._tensor, read)))
        return hidden

    def _examine(self) -> float:
        """NDCG@10 of what the held-out users did last, among all items, equal scores counting half."""
        import torch

        from app.networks.losses import ndcg_10

        self._network.eval()
        gains: list[Tensor] = []
        with torch.inference_mode():
            table = self._table(torch.arange(len(self._log_shares), device=self._device))
            for start in range(0, len(self._sequences.held), 16):
                windows = self._sequences.windows(self._sequences.held[start : start + 16])
                targets = self._tensor(windows.targets)
                hidden = self._hidden(windows, table[self._tensor(windows.items)])[targets >= 0]
                gains.append(ndcg_10(hidden @ table.T + self._table.bias, targets[targets >= 0]))
        return float(torch.cat(gains).mean()) if gains else 0.0

    def result(self, type_names: list[str]) -> TrainedDecoder:
        import torch

        self._network.load_state_dict(self._best)
        self._network.eval()
        with torch.inference_mode():
            items = self._table(torch.arange(len(self._log_shares), device=self._device))
        tensors = {f"decoder.{name}": tensor for name, tensor in self._decoder.state_dict().items()}
        tensors |= {"items": items, "bias": self._table.bias, "text_map": self._table.text_map.weight}
        standing = self.standing
        about = {
            "sizes": asdict(self._sizes),
            "type_names": type_names,
            "validation_ndcg_10": standing.best_score if self._sequences.held else None,
            "n_passes": round(self.passes, 1),
            "best_pass": round(standing.best_round / self._rounds_per_pass, 1),
            "n_steps": standing.n_steps,
            "seconds": round(standing.spent_s, 1),
            "settings": asdict(self._settings),
        }
        if self._private:
            about["privacy"] = self._private.budget.about(standing.n_steps)
        return TrainedDecoder({name: tensor.detach().cpu().float().numpy() for name, tensor in tensors.items()}, about)

    def save(self, folder: Path) -> None:
        """One file, replaced whole."""
        from safetensors.torch import save_file

        tensors = {f"now.{name}": tensor for name, tensor in self._network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        for number, moments in self._optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in moments.items()}
        metadata = {"identity": self._identity, "standing": json.dumps(asdict(self.standing))}
        unfinished = folder / f"{CHECKPOINT}.unfinished"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished, metadata)
        unfinished.replace(folder / CHECKPOINT)

    def resume(self, folder: Path) -> None:
        """Goes on from a checkpoint of the same log and settings; passes over any other, and a damaged one."""
        from safetensors import SafetensorError, safe_open

        folder.mkdir(parents=True, exist_ok=True)
        try:
            with safe_open(folder / CHECKPOINT, "pt", device=str(self._device)) as file:
                metadata = file.metadata() or {}
                if metadata.get("identity") != self._identity:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except (FileNotFoundError, SafetensorError):
            return
        self._network.load_state_dict(_under("now.", tensors))
        self._best = _under("best.", tensors)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("adam.", tensors).items():
            number, moment = name.split(".")
            state.setdefault(int(number), {})[moment] = tensor
        self._optimizer.load_state_dict({"state": state, "param_groups": self._optimizer.state_dict()["param_groups"]})
        self.standing = replace(self.standing, **json.loads(metadata["standing"]))

    def _state(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}

    def _tensor(self, array: Any) -> Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _identity(log: Log, vectors: Vectors, settings: DecoderSettings) -> str:
    """Tells one training from another; how long it may take is no part of it."""
    seen = 0
    for array in (log.users, log.items, log.at, log.types, vectors):
        seen = zlib.crc32(np.ascontiguousarray(array).data, seen)
    names = json.dumps([log.item_ids, log.type_names, asdict(replace(settings, minutes=0.0))])
    return f"{zlib.crc32(names.encode(), seen):08x}-{len(log.at)}"
