"""Who is let in, who waits and who is sent away."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from starlette.types import Message

from app.api.admission import Admission, Place
from app.domain.errors import Overloaded


async def test_so_many_at_a_time_and_the_next_in_order_of_arrival() -> None:
    admission, entered = Admission(2, 5.0), []

    async def come(name: str) -> None:
        await admission.enter()
        entered.append(name)

    waiting = [asyncio.create_task(come(name)) for name in "abcd"]
    await asyncio.sleep(0.01)
    assert entered == ["a", "b"]
    for expected in ("c", "d"):
        admission.leave()
        await asyncio.sleep(0.01)
        assert entered[-1] == expected
        assert admission.n_inside == 2
    await asyncio.gather(*waiting)


async def test_who_would_wait_too_long_is_sent_away_soon() -> None:
    admission = Admission(1, 0.02)
    await admission.enter()
    started = time.monotonic()
    with pytest.raises(Overloaded):
        await admission.enter()
    assert 0.015 < time.monotonic() - started < 1.0
    admission.leave()
    await admission.enter()  # nothing is lost by the one that went away


async def test_places_come_back_whoever_goes_away() -> None:
    admission = Admission(3, 0.05)

    async def visit(seconds: float) -> None:
        await admission.enter()
        try:
            await asyncio.sleep(seconds)
        finally:
            admission.leave()

    visits = [asyncio.create_task(visit(0.01 * (number % 7))) for number in range(200)]
    for one in visits[::3]:
        await asyncio.sleep(0)
        one.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    assert admission.n_inside == 0
    for _ in range(3):
        await admission.enter()


async def test_a_body_takes_a_place_when_its_last_byte_is_there() -> None:
    admission = Admission(1, 0.02)
    parts = asyncio.Queue[Message]()
    place = Place(admission, scope("POST", (b"content-length", b"2")), parts.get)
    async with place:
        assert admission.n_inside == 0
        parts.put_nowait({"type": "http.request", "body": b"a", "more_body": True})
        await place.receive()
        assert admission.n_inside == 0
        parts.put_nowait({"type": "http.request", "body": b"b", "more_body": False})
        await place.receive()
        assert admission.n_inside == 1
    assert admission.n_inside == 0


@pytest.mark.parametrize(
    ("method", "header"),
    [("GET", (b"content-length", b"2")), ("POST", (b"content-length", b"0")), ("DELETE", (b"x", b"y"))],
)
async def test_without_a_body_to_wait_for_a_place_is_taken_at_once(method: str, header: tuple[bytes, bytes]) -> None:
    admission = Admission(1, 0.02)
    place = Place(admission, scope(method, header), asyncio.Queue[Message]().get)
    async with place:
        assert admission.n_inside == 1
        place.give_back()
        assert admission.n_inside == 0
    assert admission.n_inside == 0


def scope(method: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "method": method, "headers": list(headers)}
