"""One function a row of the table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, repeat
from statistics import median

from benchmarks.client import Measured, ask, closed_loop, open_loop, request
from benchmarks.freshness import post_then_read
from benchmarks.server import Running
from benchmarks.table import Row, Target
from benchmarks.traffic import Traffic
from benchmarks.world import World

ROUNDS = 3
N_CONNECTIONS = 16
N_TRIES = 10_000

PROFILE = Target("GET profile", "req/s", 1000, 2000)
RECOMMEND = Target("GET recommendations, limit 20", "req/s", 150, 400)
RECOMMEND_P99 = Target("GET recommendations, p99 at 30 req/s", "ms", 80, 40, less_is_better=True)
POST_ONE = Target("POST one behaviour", "req/s", 500, 1000)
POST_BATCH = Target("POST batches of 1,000", "behaviours/s", 15_000, 40_000)
IMPORT = Target("import from Parquet", "behaviours/s", 25_000, 60_000)
STALE = Target("behaviour answered, next answer stale", "of 10,000", 0, less_is_better=True)
START = Target("start to ready, warm", "s", 15, 6, less_is_better=True)
MEMORY = Target("resident memory of one worker", "MB", 1200, 800, less_is_better=True)
LAG = Target("wait for the event loop under mixed load, longest", "ms", 50, less_is_better=True)


@dataclass(frozen=True, slots=True)
class Served:
    """The running service and what is sent to it."""

    portrait: Running
    traffic: Traffic
    world: World

    async def freshen(self) -> None:
        """A new behaviour for every user: no answer after it can come from a cache."""
        connection = await self.portrait.address.connect()
        status, body = await ask(connection, self.traffic.one_each())
        connection.close()
        if status != 200:
            raise RuntimeError(f"{status}: {body[:400]!r}")

    async def warm_up(self) -> None:
        """Every profile is read once, so that it has a checkpoint: an import leaves none, a living service has them."""
        await closed_loop(self.portrait.address, iter(self.traffic.profiles()), N_CONNECTIONS, 120)


@dataclass(frozen=True, slots=True)
class Bench(Served):
    """With the empty route beside it."""

    empty: Running

    async def yardstick(self) -> float:
        """Requests per second of the empty route, now."""
        empty = repeat(request("GET", "/empty"))
        return (await closed_loop(self.empty.address, empty, N_CONNECTIONS, 2)).rate


async def profiles(bench: Bench) -> Row:
    return await _rate(bench, PROFILE, bench.traffic.profiles, freshen=True)


async def recommendations(bench: Bench) -> Row:
    return await _rate(bench, RECOMMEND, bench.traffic.recommendations, freshen=True)


async def single_posts(bench: Bench) -> Row:
    return await _rate(bench, POST_ONE, lambda: bench.traffic.single_behaviors(15_000))


async def batch_posts(bench: Bench) -> Row:
    return await _rate(bench, POST_BATCH, lambda: bench.traffic.batches(200), worth=1000, n_connections=4)


async def _rate(
    bench: Bench,
    target: Target,
    requests: Callable[[], list[bytes]],
    freshen: bool = False,
    worth: int = 1,
    n_connections: int = N_CONNECTIONS,
) -> Row:
    """Median of the rounds, each compared with the empty route right before it; a request is worth so many units."""
    values, ratios, cpu_ms = [], [], []
    for _ in range(ROUNDS):
        raws = requests()
        yardstick = await bench.yardstick()
        if freshen:
            await bench.freshen()
        cpu = bench.portrait.cpu_seconds()
        measured = await closed_loop(bench.portrait.address, iter(raws), n_connections, 5)
        cpu_ms.append(1000 * (bench.portrait.cpu_seconds() - cpu) / max(1, len(measured.latencies)))
        values.append(measured.rate * worth)
        ratios.append(measured.rate / yardstick)
    spread = " · ".join(f"{value:,.0f}" for value in values)
    note = f"rounds {spread}; {median(cpu_ms):.2g} ms of CPU each, Postgres included; {in_words(measured)}"
    return Row(target, median(values), median(ratios), note)


async def recommendations_p99(bench: Bench) -> Row:
    """Open loop for 20 s: 1,000 requests, half of the users, none of them asked twice."""
    await bench.freshen()
    requests = iter(bench.traffic.recommendations())
    measured = await open_loop(bench.portrait.address, requests, 30, 20)
    return Row(RECOMMEND_P99, measured.percentile(99), note=in_words(measured))


async def lag(bench: Bench) -> Row:
    """`/health/live` waits its turn on the loop: its latency is the lag. The empty route beside it shows the noise."""
    address, traffic, seconds = bench.portrait.address, bench.traffic, 20.0
    probe, noise, *load = await asyncio.gather(
        open_loop(address, repeat(request("GET", "/health/live")), 20, seconds, 4),
        open_loop(bench.empty.address, repeat(request("GET", "/empty")), 20, seconds, 4),
        open_loop(address, cycle(traffic.recommendations()), 50, seconds),
        open_loop(address, cycle(traffic.profiles()), 100, seconds),
        open_loop(address, iter(traffic.single_behaviors(2000)), 100, seconds),
        open_loop(address, iter(traffic.batches(80)), 4, seconds),
        open_loop(address, iter(traffic.batches(4, size=10_000)), 0.2, seconds),
        open_loop(address, iter(traffic.searches(100)), 5, seconds),
    )
    trouble = "; ".join(filter(None, (measured.trouble() for measured in (probe, *load))))
    note = f"{in_words(probe)}; empty route beside it {in_words(noise)}, max {noise.percentile(100):.0f}"
    return Row(LAG, probe.percentile(100), note=f"{note}{trouble and f'; load FAILED {trouble}'}")


async def staleness(bench: Bench) -> Row:
    found = await post_then_read(bench.portrait, bench.world.user_ids, N_TRIES)
    stale = ", ".join(f"{n} x {what}" for what, n in found.stale.items())
    return Row(
        STALE, found.n_stale, note=f"{found.n_tries:,} tries, {found.across:,} across workers{stale and ': '}{stale}"
    )


async def memory(bench: Bench) -> Row:
    connection = await bench.portrait.address.connect()
    await ask(connection, request("GET", "/health/live"))
    used = bench.portrait.memory_of(bench.portrait.worker_of(connection))
    connection.close()
    return Row(MEMORY, used.rss, note=f"RSS; PSS {used.pss:,.0f}, USS {used.uss:,.0f}")


def start(running: Running) -> Row:
    return Row(START, running.ready_s, note="from `portrait serve` to 200 of /health/ready, Postgres included")


def imported(world: World) -> Row:
    note = f"{world.n_behaviors:,} in {world.import_s:.0f} s, the whole command with the start of Postgres"
    return Row(IMPORT, world.n_behaviors / world.import_s, note=note)


def in_words(measured: Measured) -> str:
    """Latencies, and whatever was not answered."""
    words = f"p50 {measured.percentile(50):.1f}, p99 {measured.percentile(99):.1f} ms"
    if measured.failures:
        words += f", FAILED {measured.trouble()}"
    return words if measured.own_cpu < 0.6 else f"{words}, generator {measured.own_cpu:.0%} of a core"
