"""Work that keeps the loop busy takes turns, and others come in between."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from app.services.turns import Turns


async def test_others_are_heard_between_two_pieces_of_work() -> None:
    turns, told = Turns(), []

    async def work(number: int) -> None:
        async with turns:
            time.sleep(0.01)  # noqa: ASYNC251 - what is meant: it keeps the loop
            told.append(f"work {number}")

    async def look() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
            told.append("look")

    await asyncio.gather(look(), *(work(number) for number in range(5)))
    works = [place for place, one in enumerate(told) if one != "look"]
    assert [told[place] for place in works] == [f"work {number}" for number in range(5)]
    assert all("look" in told[one:next_] for one, next_ in pairwise(works))


async def test_who_goes_away_or_fails_takes_no_turn_from_others() -> None:
    turns, done = Turns(), []

    async def work(number: int) -> None:
        async with turns:
            if number % 3 == 1:
                raise ValueError("planted")
            done.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(9)]
    await asyncio.sleep(0)  # all wait, the first one has the turn
    for task in tasks[::3]:
        task.cancel()
    with pytest.raises(ValueError, match="planted"):
        await asyncio.gather(*tasks[1::3])
    await asyncio.wait(tasks)
    assert done == [2, 5, 8]
    async with asyncio.timeout(1), turns:
        pass
