"""Sharing steps: nobody returns before a step that began after their call, and few steps serve many."""

from __future__ import annotations

import asyncio

from app.domain.errors import Unavailable
from app.services.catch_up import CatchUp


async def test_many_callers_share_a_step_that_begins_after_all_of_them() -> None:
    begun: list[int] = []
    written = 0

    async def step() -> None:
        begun.append(written)
        await asyncio.sleep(0.01)

    catch_up = CatchUp(step)

    async def write_and_wait() -> None:
        nonlocal written
        written += 1
        mine = written
        await catch_up()
        assert any(seen >= mine for seen in begun)

    first = asyncio.create_task(write_and_wait())
    await asyncio.sleep(0.005)  # the first step is under way
    await asyncio.gather(first, *(write_and_wait() for _ in range(50)))
    assert begun == [1, 51]


async def test_a_step_that_fails_is_not_the_fault_of_who_wrote() -> None:
    async def step() -> None:
        raise Unavailable("away")

    await CatchUp(step)()
