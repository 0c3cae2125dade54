"""The web service: `uvicorn --factory app.main:create_app`; `portrait serve` does it with the right options."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI

from app.api import errors, openapi
from app.api.admission import Admission
from app.api.auth import Door
from app.api.connections import TimedHttp
from app.api.cursors import Cursors
from app.api.gate import Gate
from app.api.rates import Rates
from app.api.routes import ROUTERS
from app.api.traced import Traced, telemetry_by
from app.bootstrap import open_context, open_tokens, open_traces, secret_of, set_apart_lasting_objects, set_up_logs
from app.console.pages import ROUTERS as PAGES
from app.console.pages.access import sign_in_page
from app.domain.errors import PortraitError
from app.services.catch_up import CatchUp
from app.services.context import Context
from app.services.follow import Follower
from app.services.forget import Forgetter
from app.services.keys import Keys
from app.services.observe import note_followed, observe
from app.settings import Settings

if TYPE_CHECKING:  # of optional extras
    from app.services.tokens import Tokens
    from app.telemetry.traces import Traces

log = structlog.get_logger()

FOLLOW_EVERY_S = 1.0
_TAGS = [
    {"name": "behaviors", "description": "What users did: the truth everything else is made from."},
    {"name": "profiles", "description": "What is believed of a user, with evidence."},
    {"name": "recommendations", "description": "What to show next, with reasons."},
    {"name": "scenarios", "description": "Where it is shown, and what came of it."},
    {"name": "items", "description": "The catalogue, and search in it."},
    {"name": "users", "description": "Attributes beside behaviours, and the log."},
    {"name": "learning", "description": "Long jobs, and the versions of what was learned."},
    {"name": "operations", "description": "Health, and explanations of errors."},
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; nothing is opened before it starts. Raises `Misconfigured`.

    Where a network reaches it, nobody comes in without a key, also while there is none.
    """
    settings = settings or Settings.load()
    tokens, traces = open_tokens(settings), open_traces(settings)
    is_closed = settings.is_exposed or tokens is not None
    keys = Keys((key.get_secret_value() for key in settings.api_keys), is_closed)
    admission = Admission(settings.max_in_flight, settings.max_wait_ms / 1000)

    app = FastAPI(
        title="Portrait",
        version=version("portrait"),
        summary="Recommendations whose user profiles are alive",
        description=openapi.DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=_TAGS,
        lifespan=_lifespan(settings, keys, admission, tokens, traces),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=telemetry_by(traces.provider if traces else None),
    )
    for router in (*ROUTERS, *PAGES):
        app.router.routes.extend(router.routes)  # one flat table: `include_router` costs 30 µs a request and more
    errors.install(app)
    app.state.keys = keys
    app.add_middleware(
        Gate, door=Door(keys, tokens), rates=Rates(settings.rate_limit), admission=admission, sign_in=sign_in_page
    )
    if traces is not None:
        app.state.traces = traces
        app.add_middleware(Traced, tracer=traces.tracer)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _lifespan(
    settings: Settings, keys: Keys, admission: Admission, tokens: Tokens | None, traces: Traces | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What is open while the application runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        set_up_logs(settings)
        app.state.cursors = Cursors(secret_of(settings))
        async with open_context(settings) as ctx:
            app.state.context = ctx
            app.state.follower = follower = Follower(ctx)
            app.state.catch_up = CatchUp(follower.step)
            app.state.keys_catch_up = CatchUp(lambda: keys.step(ctx.db))
            await _read_keys(keys, ctx)  # or the first requests would be told to come again
            following = [_follow(follower, Forgetter(ctx)), _follow_keys(keys, ctx), observe(ctx, "server", admission)]
            if tokens is not None:
                await tokens.issuer.read()
                following.append(tokens.issuer.follow())
            async with _beside(*following):
                yield
        if traces is not None:
            await traces.close()

    return lifespan


@asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = {asyncio.create_task(work) for work in works}
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _follow_keys(keys: Keys, ctx: Context) -> None:
    while True:
        await asyncio.sleep(FOLLOW_EVERY_S)
        await _read_keys(keys, ctx)


async def _read_keys(keys: Keys, ctx: Context) -> None:
    """Those last seen go on when it fails."""
    try:
        await keys.step(ctx.db)
    except Exception as error:  # whatever the database says, the service goes on
        log.warning("keys_not_read", error=type(error).__name__)


async def _follow(follower: Follower, forgetter: Forgetter) -> None:
    """Keeps the world of this worker up to date for as long as it runs, whatever happens to the database."""
    follow = follower.start
    while True:
        try:
            await follow()
            if follow == follower.start:
                set_apart_lasting_objects()
            follow = follower.step
            await forgetter.step()
            note_followed()
        except PortraitError as error:
            log.warning("follower_waits", detail=error.detail)
        except Exception as error:  # a defect here must not stop the service from following
            log.error("follower_failed", error=type(error).__name__)
        await asyncio.sleep(FOLLOW_EVERY_S)


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn must be run: its own log of addresses is off, because they hold ids of users."""
    return {
        "app": "app.main:create_app",
        "factory": True,
        "host": settings.host,
        "port": settings.port,
        "workers": settings.workers,
        "loop": "uvloop",
        "http": TimedHttp,
        "ws": "none",  # nothing here speaks it, and the server's own refusals are no problems (RFC 9457)
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "timeout_graceful_shutdown": 15,
    }
