"""What the fold keeps of a user: sums that do not depend on the order or the batches in which rows came."""

from __future__ import annotations

import msgspec

# gc=False: they hold no cycles, and a process that keeps a thousand states would scan half a million of them.


class Tally(msgspec.Struct, array_like=True, gc=False):
    """What is known of one user and one item. Times are seconds since 1970.

    `n` counts every interaction but impressions, `n_positive` and `n_negative` those with such a weight.
    `long` and `short` are sums of the positive weights, decayed by the long and the short half-life up to `last_at`;
    `negative` is the sum of the refusals (>= 0), decayed by the long one. Who reads them decays on to the moment.
    """

    n: int = 0
    n_positive: int = 0
    n_negative: int = 0
    n_purchases: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    first_purchase_at: float = 0.0
    last_purchase_at: float = 0.0
    long: float = 0.0
    short: float = 0.0
    negative: float = 0.0


class Recent(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One of the latest interactions with an item."""

    at: float
    behavior_id: str
    item_id: str
    type: str
    weight: float
    seq: int


class Said(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One of the latest things the user said; `embedding` is the raw float16 vector, None while it is waiting."""

    at: float
    behavior_id: str
    type: str
    text: str
    weight: float
    embedding: bytes | None


class State(msgspec.Struct):
    """A user's profile as it is kept: `fold(State(), all rows of the user's log)`.

    `seq` is the last place of the log that is in here. `recent` holds the latest 200 by (at, seq), since the lines
    of one basket have an order, and `said` the latest 50 by (at, behavior_id), newest first.
    `days` are the distinct active days since 1970, ascending.
    Impressions enter `counts` and the first and last time only: a user may be shown the whole catalogue.
    """

    seq: int = 0
    counts: dict[str, int] = {}
    n_flagged: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    days: list[int] = []
    items: dict[str, Tally] = {}
    recent: list[Recent] = []
    said: list[Said] = []


def encode_state(state: State) -> bytes:
    return _ENCODER.encode(state)


def decode_state(data: bytes) -> State:
    """Raises `msgspec.DecodeError` when it is not what `encode_state` wrote."""
    return _DECODER.decode(data)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(State)
