"""The decoder for one user at a time, as serving asks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Forward = Callable[[NDArray[np.int32], Sequence[str], NDArray[np.float64], NDArray[np.float32]], NDArray[np.float32]]


def load_forward(folder: Path) -> Forward:
    """From `decoder.safetensors` and `decoder.json`; on the CPU, with the threads that torch has in this process.

    The function takes positions newest first (T,) with T >= 1, the types of those behaviours, their ages in seconds
    at the request (T,) and the profile (F,), and gives the hidden state (D,). What lies beyond the decoder's length
    is not read.
    """
    import torch
    from safetensors.torch import load_file

    from app.networks.decoder import Behaviors, Decoder, DecoderSizes

    about = json.loads((folder / "decoder.json").read_text())
    sizes = DecoderSizes(**about["sizes"])
    number_of = {name: number for number, name in enumerate(about["type_names"], start=1)}
    tensors = load_file(folder / "decoder.safetensors")
    table = tensors["items"]
    network = Decoder(sizes)
    prefix = "decoder."
    network.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
    network.eval()

    def forward(
        past: NDArray[np.int32], types: Sequence[str], ages_s: NDArray[np.float64], profile: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        length = sizes.length
        items = torch.from_numpy(past[:length][::-1].astype(np.int64))[None]
        numbers = torch.tensor([[number_of.get(name, 0) for name in reversed(types[:length])]])
        at = -torch.from_numpy(ages_s[:length][::-1].astype(np.float64))[None]
        asked_at = torch.cat([at[:, 1:], torch.zeros(1, 1, dtype=torch.float64)], dim=1)
        features = torch.from_numpy(np.asarray(profile, dtype=np.float32))[None]
        with torch.inference_mode():
            hidden = network(table[items], Behaviors(items, numbers, at, asked_at, features))
        state: NDArray[np.float32] = hidden[0, -1].numpy()
        return state

    return forward
