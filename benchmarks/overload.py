"""Ten times more than the service can do: `python -m benchmarks.overload`.

Says how much good is still done meanwhile, how soon the others are told, how long it takes until all is well again,
what it costs in memory, and what 500 connections that send nothing but crumbs do to everybody else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import uvloop

from benchmarks import server, world
from benchmarks.client import Address, Measured, closed_loop, open_loop
from benchmarks.speed import folder_of
from benchmarks.traffic import Traffic

TIMES = 10
N_CONNECTIONS = 500
N_SLOW = 500
SECONDS = 6.0
WINDOW_S = 0.5
EASY = 0.3  # of the peak: what everybody should be able to live with
RECOVERY_LIMIT_S = 15.0
# A request in pieces: a header every second, never the end of them.
_CRUMBS = b"GET /health/live HTTP/1.1\r\nHost: slow\r\n"


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    limit: float
    at_least: bool = False

    @property
    def missed(self) -> bool:
        return not (self.value >= self.limit if self.at_least else self.value <= self.limit)

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"| {self.name} | {self.value:.4g} {self.unit} | {sign} {self.limit:g} |{' MISSED' * self.missed}"


async def measure(running: server.Running, traffic: Traffic) -> list[Figure]:
    address, asked = running.address, cycle(traffic.recommendations())
    await closed_loop(address, asked, 16, 3.0)  # warm
    peak = (await closed_loop(address, asked, 16, SECONDS)).rate
    calm_p99 = (await open_loop(address, asked, peak * EASY, SECONDS)).percentile(99)
    slow_p99 = await _beside_slow_ones(address, asked, peak)
    before_mb = running.rss_mb()
    flood = asyncio.ensure_future(open_loop(address, asked, peak * TIMES, SECONDS, N_CONNECTIONS))
    most_mb = await _most_memory(running, flood)
    flooded = flood.result()
    recovery_s = await _recovery(address, asked, peak, calm_p99)
    return _figures(peak, flooded, recovery_s, most_mb - before_mb, slow_p99 / calm_p99)


def _figures(peak: float, flooded: Measured, recovery_s: float, growth_mb: float, slowdown: float) -> list[Figure]:
    soon_ms = float(np.percentile(flooded.refusals, 99)) * 1000 if flooded.refusals else float("nan")
    return [
        Figure("peak, good answers", peak, "/s", 0, at_least=True),
        Figure(f"good answers at {TIMES} times that, of the peak", flooded.rate / peak, "", 0.8, at_least=True),
        Figure("refusals, p99", soon_ms, "ms", 50),
        Figure("neither answered nor refused", sum(flooded.failures.values()) - len(flooded.refusals), "", 0),
        Figure("until all is well again", recovery_s, "s", 5),
        Figure("memory", growth_mb, "MB", 200),
        Figure(f"p99 of others beside {N_SLOW} slow connections, of that without", slowdown, "", 2),
    ]


async def _most_memory(running: server.Running, flood: asyncio.Future[Measured]) -> float:
    most = running.rss_mb()
    while not flood.done():
        await asyncio.sleep(WINDOW_S)
        most = max(most, running.rss_mb())
    return most


async def _recovery(address: Address, asked: Iterator[bytes], peak: float, calm_p99: float) -> float:
    """Seconds until nobody is refused any more and the slowest are at most twice as slow as before."""
    passed = 0.0
    while passed < RECOVERY_LIMIT_S:
        seen = await open_loop(address, asked, peak * EASY, WINDOW_S)
        if not seen.failures and seen.percentile(99) <= 2 * calm_p99:
            return passed
        passed += WINDOW_S
    return float("inf")


async def _beside_slow_ones(address: Address, asked: Iterator[bytes], peak: float) -> float:
    async with _slow_ones(address):
        return (await open_loop(address, asked, peak * EASY, SECONDS)).percentile(99)


@asynccontextmanager
async def _slow_ones(address: Address) -> AsyncIterator[None]:
    dripping = [asyncio.ensure_future(_drip(address)) for _ in range(N_SLOW)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for one in dripping:
            one.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)


async def _drip(address: Address) -> None:
    """A crumb a second, and a new connection whenever the service has cut this one."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                writer.write(_CRUMBS)
                while not reader.at_eof():
                    writer.write(b"X-A: b\r\n")
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            await reader.read(100)
            finally:
                writer.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--keep", type=Path, help="folder where the data set stays for the next run")
    with folder_of(parser.parse_args().keep) as folder:
        known = world.known(folder)
        with server.portrait(known.data_dir, 1) as portrait:
            portrait.settle()
            figures = uvloop.run(measure(portrait, Traffic(known, seed=1)))
    print("\n".join(map(str, figures)))
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
