"""Connections to Postgres, and what happens when they fail: bounded retries, then `Unavailable` within seconds."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
import sqlalchemy.exc
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection as CoreConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.domain.errors import Unavailable
from app.privacy.encryption import MasterKeys
from app.storage.unlock import unlock
from app.storage.vault import Vault, no_key_refusal
from app.storage.watch import WATCH_AFTER_S, Watch, cut

T = TypeVar("T")
Row = tuple[Any, ...]
Connection = AsyncConnection[Row]
Work = Callable[[Connection], Awaitable[T]]

_ATTEMPTS = 5
_RETRY_WITHIN_S = 2.0  # after that a caller gets `Unavailable`, so that it knows within 3 s
_POOL_TIMEOUT_S = 2.5
_SESSION = {
    "statement_timeout": "20s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "jit": "off",  # compiling costs more than any query here
}
_CONNECT: dict[str, Any] = {
    "application_name": "portrait",
    "connect_timeout": 2,
    "tcp_user_timeout": 2500,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
}
_COLD_POOL = 2
_CHECKED_WITHIN_S = 0.5
# Streams and long work are cut only when the server is silent again and again: a busy process may miss an answer.
_PATIENCE = 3

# What a second try may cure: it lost a race, or its connection.
_RACES = (errors.SerializationFailure, errors.DeadlockDetected)
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TooManyRequests, errors.ReadOnlySqlTransaction)


class Database:
    """Two pools on one Postgres: psycopg's for hot paths, SQLAlchemy's engine for cold ones.

    The first call opens the vault: with keys that do not fit, it and all others raise `Locked`.
    """

    def __init__(
        self, url: str, pool: AsyncConnectionPool[Connection], engine: AsyncEngine, master: MasterKeys | None
    ) -> None:
        self._conninfo = conninfo(url)
        self._master = master
        self._vault: Vault | None = None
        self.pool = pool
        self.engine = engine
        self._watch = Watch(self._greet)
        self._checking: asyncio.Task[None] | None = None  # held, so that it is not collected on its way
        self._cold: WeakSet[AsyncConnection[Any]] = WeakSet()
        event.listen(engine.sync_engine, "connect", lambda raw, _: self._cold.add(raw.driver_connection))

    @classmethod
    async def open(cls, url: str, pool_size: int = 8, master: MasterKeys | None = None) -> Database:
        """Does not wait for the server: while it is away every call raises `Unavailable`."""
        pool = _Pool(
            conninfo(url),
            kwargs={**_CONNECT, "autocommit": True},
            min_size=1,
            max_size=pool_size,
            timeout=_POOL_TIMEOUT_S,
            # Gives up early: a client that comes later makes a fresh attempt, without the pool's growing pauses.
            reconnect_timeout=1.0,
            open=False,
        )
        engine = create_async_engine(
            core_url(url), connect_args=_CONNECT, pool_size=_COLD_POOL, pool_timeout=_POOL_TIMEOUT_S, pool_pre_ping=True
        )
        await pool.open(wait=False)
        return cls(url, pool, engine, master)

    async def close(self) -> None:
        self._watch.close()
        await self.pool.close()
        await self.engine.dispose()

    async def vault(self) -> Vault:
        """How users are stored here. Raises Locked, Unavailable."""
        if self._vault is None:
            self._vault = await self._tried(lambda connection: unlock(connection, self._master))
        return self._vault or Vault()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit mode, also for long work; trouble with it is `Unavailable`."""
        await self.vault()
        with _translated():
            async with self.pool.connection() as connection:
                with self._watch.over(lambda: [connection], n_silent=_PATIENCE):
                    yield connection

    @asynccontextmanager
    async def core(self) -> AsyncIterator[CoreConnection]:
        """A transaction of SQLAlchemy Core, for the cold paths."""
        await self.vault()
        with _translated(), self._watch.over(lambda: list(self._cold)):
            async with self.engine.begin() as connection:
                yield connection

    async def connect(self) -> Connection:
        """A connection of the caller's own, outside the pools, for what a session holds (locks). Close it."""
        with _translated():
            return await AsyncConnection.connect(self._conninfo, autocommit=True, **_CONNECT)

    async def retried(self, work: Work[T]) -> T:
        """Runs `work` in one transaction, again after a deadlock, a serialisation failure or a lost connection.

        The outcome of a lost COMMIT is not known, so `work` must be safe to run twice.
        """

        async def in_transaction(connection: Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self.tried(in_transaction)

    async def tried(self, work: Work[T]) -> T:
        """As `retried`, without a transaction around it: for a single statement, which saves two round trips."""
        await self.vault()
        return await self._tried(work)

    async def _tried(self, work: Work[T]) -> T:
        started = time.monotonic()
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._once(work, started)
            except psycopg.Error as error:
                if not _curable(error) or time.monotonic() - started > _RETRY_WITHIN_S:
                    raise _unavailable_or(error) from error
                await self._recover(error, attempt)
        with _translated():
            return await self._once(work, started)

    async def _once(self, work: Work[T], started: float) -> T:
        """One attempt; what it waits for is counted from the first one on."""
        waited = time.monotonic() - started
        async with self.pool.connection(timeout=max(_POOL_TIMEOUT_S - waited, 0.1)) as connection:
            with self._watch.over(lambda: [connection], max(WATCH_AFTER_S - waited, 0.1)):
                return await work(connection)

    async def _greet(self) -> None:
        with suppress(psycopg.Error):
            await (await AsyncConnection.connect(self._conninfo, **_CONNECT)).close()

    async def _recover(self, error: psycopg.Error, attempt: int) -> None:
        if not isinstance(error, _RACES):
            # One lost connection mostly means that all of them are.
            self._checking = asyncio.create_task(self.pool.check())
            await asyncio.wait({self._checking}, timeout=_CHECKED_WITHIN_S)
        await asyncio.sleep(random.uniform(0.5, 1) * 0.02 * 2**attempt)  # noqa: S311 - jitter is no secret


class _Pool(AsyncConnectionPool[Connection]):
    @staticmethod
    async def check_connection(conn: Connection) -> None:
        """A check that is not answered ends too."""
        timer = asyncio.get_running_loop().call_later(_CHECKED_WITHIN_S, cut, conn)
        try:
            await AsyncConnectionPool.check_connection(conn)
        finally:
            timer.cancel()


def conninfo(url: str) -> str:
    """The address as libpq reads it, without the name of a SQLAlchemy driver."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)


def core_url(url: str) -> str:
    """The address as SQLAlchemy reads it."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", url)


def _curable(error: psycopg.Error) -> bool:
    if isinstance(error, _RACES):
        return True
    if isinstance(error, PoolTimeout | TooManyRequests):
        return False
    # Without an SQLSTATE the connection broke; 57P01-57P03: the server is stopping or starting.
    lost = error.sqlstate is None or error.sqlstate[:2] == "08" or error.sqlstate[:3] == "57P"
    return lost and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _unavailable_or(error: psycopg.Error) -> Exception:
    if isinstance(error, errors.ObjectNotInPrerequisiteState):  # raised by the trigger on `users`
        return no_key_refusal()
    if not isinstance(error, _AWAY):
        return error
    return Unavailable(
        "The database does not answer.",
        "Try again in a moment; `portrait doctor` tells what is wrong with it.",
        code="database_unavailable",
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _unavailable_or(error) from error
    except sqlalchemy.exc.TimeoutError as error:
        raise _unavailable_or(PoolTimeout(str(error))) from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise _unavailable_or(error.orig) from error
        raise
