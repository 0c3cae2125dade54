"""Thousands of mutants over a few connections, and what was wrong with the answers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.checks import complaints
from tests.fuzz.link import Answer, Garbled, Hangs, Link
from tests.fuzz.message import Header, Hearing
from tests.fuzz.mutants import N_LANES, Mutant, Mutants
from tests.fuzz.readback import missing

_ALIVE = b"GET /health/live HTTP/1.1\r\nHost: fuzz\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Finding:
    number: int
    operation: str
    raw: bytes
    complaint: str

    def __str__(self) -> str:
        return f"#{self.number} {self.operation}: {self.complaint}\n    {self.raw[:400]!r}"


@dataclass(slots=True)
class Outcome:
    """`statuses` counts the first answers by operation and status; 0 is a connection that ended without one."""

    findings: list[Finding] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    n_sent: int = 0
    n_read_back: int = 0
    slowest_s: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.n_sent / self.seconds

    def __str__(self) -> str:
        return (
            f"{self.n_sent} mutants, {self.rate:.0f} a second, slowest answer {self.slowest_s:.2f} s, "
            f"{self.n_read_back} read back, {len(self.findings)} findings"
        )

    def answered(self, operation: str, *hundreds: int) -> int:
        return sum(n for (name, status), n in self.statuses.items() if name == operation and status // 100 in hundreds)


class Lane:
    """Sends mutants one after the other; every new connection begins by asking whether the service lives."""

    def __init__(self, host: str, port: int, headers: list[Header], outcome: Outcome) -> None:
        self._link = Link(host, port)
        self._headers = b"".join(b"%b: %b\r\n" % one for one in headers)
        self._outcome = outcome

    async def send(self, mutant: Mutant) -> None:
        found = await self._complaints(mutant)
        if found and all(_may_be_chance(one) for one in found):
            found = await self._complaints(mutant)
        self._outcome.findings += [Finding(mutant.number, mutant.operation, mutant.raw, one) for one in found[:1]]
        self._outcome.n_sent += 1

    async def close(self) -> None:
        await self._link.close()

    async def _complaints(self, mutant: Mutant) -> list[str]:
        try:
            await self._hello()
            hearing = Hearing(mutant.raw)
            answers = await self._link.exchange(mutant.pieces, hearing)
            self._note(mutant, answers)
            return complaints(answers, hearing, self._link.was_reset) + await self._not_there(hearing, answers)
        except Hangs:
            return ["no answer within the time, or no end of the connection"]
        except Garbled as error:
            return [f"the answer is no HTTP: {error}"]
        except RuntimeError:  # written after the service had ended the connection
            return ["the service is away while it is written to"]
        except OSError as error:
            return [f"the service is away: {type(error).__name__}"]

    async def _hello(self) -> None:
        if not self._link.is_open:
            answers = await self._link.exchange((_ALIVE,), Hearing(_ALIVE))
            if [answer.status for answer in answers] != [200]:
                raise Garbled("/health/live does not say 200")

    async def _not_there(self, hearing: Hearing, answers: list[Answer]) -> list[str]:
        found: list[str] = []
        if len(answers) == len(hearing.whole) == 1:
            try:
                found = await missing(hearing.whole[0], answers[0], self._get)
            except (KeyError, TypeError, ValueError) as error:
                found = [f"what is read back has another shape: {type(error).__name__}"]
            self._outcome.n_read_back += answers[0].status in {200, 207}
        return found

    async def _get(self, target: bytes) -> Answer:
        raw = b"GET " + target + b" HTTP/1.1\r\nHost: fuzz\r\n" + self._headers + b"\r\n"
        answers = await self._link.exchange((raw,), Hearing(raw))
        if wrong := complaints(answers, Hearing(raw)):
            raise Garbled(f"{target.decode()}: {wrong[0]}")
        return answers[0]

    def _note(self, mutant: Mutant, answers: list[Answer]) -> None:
        self._outcome.statuses[mutant.operation, answers[0].status if answers else 0] += 1
        self._outcome.slowest_s = max([self._outcome.slowest_s, *(answer.took_s for answer in answers)])


def _may_be_chance(complaint: str) -> bool:
    """Of a busy machine: once more, then it counts. What does not read back counts at once."""
    return "within the time" in complaint or "without an answer" in complaint


async def run(
    where: tuple[str, int],
    document: dict[str, Any],
    seed: int,
    n_mutants: int,
    headers: list[Header] | None = None,
) -> Outcome:
    """Mutants 0 .. n_mutants - 1 of a seed, each over its lane."""
    outcome, mutants = Outcome(), Mutants(document, seed, headers or [])
    started = time.perf_counter()

    async def drive(lane_number: int) -> None:
        lane = Lane(*where, headers or [], outcome)
        for number in range(lane_number, n_mutants, N_LANES):
            await lane.send(mutants(number))
        await lane.close()

    await asyncio.gather(*(drive(lane_number) for lane_number in range(N_LANES)))
    outcome.seconds = time.perf_counter() - started
    return outcome


async def replay(where: tuple[str, int], name: str, raw: bytes, headers: list[Header]) -> Outcome:
    """One request of earlier, as it was sent then."""
    outcome = Outcome()
    lane = Lane(*where, headers, outcome)
    await lane.send(Mutant(0, name, (raw,)))
    await lane.close()
    return outcome
