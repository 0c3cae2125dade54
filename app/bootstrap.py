"""Puts the parts of a process together; the only place that names concrete ones."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from app.domain.catalogue import Catalogue
from app.domain.errors import Misconfigured, PortraitError
from app.encoders.narrator import Narrator, open_narrator
from app.encoders.text_encoder import TextEncoder
from app.index.faiss_space import FaissSpace
from app.registry.store import Store
from app.retrieval.base import World
from app.services.context import NOT_LOADED, Context
from app.settings import Settings, misspelt
from app.storage.engine import Database

if TYPE_CHECKING:
    from app.services.tokens import Tokens
    from app.telemetry.traces import Traces

log = structlog.get_logger()

DRAIN_S = 2.0  # checkpoints are a cache, decisions serve figures: what is not saved by then is lost


@asynccontextmanager
async def open_context(settings: Settings, with_encoder: bool = True) -> AsyncIterator[Context]:
    """The parts of one process; the encoder loads beside, the world is empty until a `Follower` starts.

    `with_encoder` False: only the encoder's name is needed, so the bundled one stays unread. Does not wait for the
    database. Raises `Misconfigured` without its address.
    """
    if settings.database_url is None:
        raise Misconfigured(
            "No database is named.",
            "Set PORTRAIT_DATABASE_URL, or use `portrait serve`, which brings a Postgres of its own.",
        )
    narrator = _narrator(settings)
    db = await Database.open(settings.database_url, settings.pool_size, settings.master_keys)
    encoder = TextEncoder(settings.encoder_model, settings.encoder_device, settings.encoder_threads)
    if with_encoder or settings.encoder_model is not None:
        threading.Thread(target=_load, args=(encoder,), name="load-encoder", daemon=True).start()
    ctx = Context(
        db=db,
        encoder=encoder,
        store=Store(settings.artifacts_dir),
        world=World(Catalogue(), FaissSpace(), (), NOT_LOADED),
        now=lambda: datetime.now(UTC),
        ingest=settings.ingest,
        half_lives=settings.half_lives,
        decoder_minutes=settings.decoder_minutes,
        decoder_epsilon=settings.decoder_epsilon,
        narrator=narrator,
        decisions_days=settings.decisions_days,
        secret=secret_of(settings),
    )
    try:
        yield ctx
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                savers = (ctx.checkpoints, ctx.decisions, ctx.wishes, ctx.quarantine)
                await asyncio.gather(*(saver.drain() for saver in savers))
        if narrator is not None:
            narrator.close()
        encoder.close()
        await db.close()


def _narrator(settings: Settings) -> Narrator | None:
    key = settings.narrator_key.get_secret_value() if settings.narrator_key else None
    return open_narrator(settings.narrator, settings.narrator_model, key)


def open_traces(settings: Settings) -> Traces | None:
    """None where they are off. Raises `Misconfigured` without their packages."""
    if not settings.traces:
        return None
    try:
        from app.telemetry.traces import Traces
    except ImportError:
        raise Misconfigured("Traces need OpenTelemetry.", "Install it: pip install 'portrait[traces]'.") from None
    return Traces()


def open_tokens(settings: Settings) -> Tokens | None:
    """None where no issuer is named. Raises `Misconfigured` without its packages, and for half a pair."""
    if not settings.oidc_issuer and not settings.oidc_audience:
        return None
    if not settings.oidc_issuer or not settings.oidc_audience:
        raise Misconfigured(
            "Tokens need both an issuer and an audience.", "Set PORTRAIT_OIDC_ISSUER and PORTRAIT_OIDC_AUDIENCE."
        )
    try:
        from app.services.issuer import Issuer
        from app.services.tokens import Tokens
    except ImportError:
        raise Misconfigured("Tokens need PyJWT.", "Install it: pip install 'portrait[oidc]'.") from None
    return Tokens(Issuer(settings.oidc_issuer), settings.oidc_audience)


def set_apart_lasting_objects() -> None:
    """What lives as long as the process (libraries, the catalogue) is no longer looked at by the garbage collector.

    A full collection among half a million of them stops every request for .3 s.
    """
    gc.collect()
    gc.freeze()


def _load(encoder: TextEncoder) -> None:
    try:
        encoder.load()
        set_apart_lasting_objects()
    except PortraitError as error:  # serves without it; /health/ready tells
        log.error("encoder_not_loaded", detail=error.detail, hint=error.hint)


def secret_of(settings: Settings) -> str:
    """Keys cursors, receipts and hashes of erased ids: the setting, or one made once in the data folder for all."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    path = settings.data_dir / "secret"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        _write_once(path)
        return path.read_text()
    except OSError as error:
        raise Misconfigured(
            f"The data folder cannot be used: {error.strerror}.",
            "Set PORTRAIT_DATA_DIR to a folder that can be written.",
        ) from error


def _write_once(path: Path) -> None:
    """Whole or not at all, and never twice, whichever worker comes first."""
    if path.exists():
        return
    draft = path.with_name(f".secret-{os.getpid()}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def set_up_logs(settings: Settings) -> None:
    """Structured lines on stderr: JSON for machines, colours on a terminal. The library loggers go the same way."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True),
    ]
    render = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("uvicorn.access").disabled = True  # its lines are addresses, and those hold ids of users
    for chatty in ("alembic", "faiss", "sentence_transformers", "transformers", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    for name, meant in misspelt().items():
        log.warning("unknown_setting", name=name, hint=f"Did you mean {meant}?")
