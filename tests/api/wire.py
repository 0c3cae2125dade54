"""What the tests of this folder say often: a running service, the calls there are, and what a problem looks like."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import uvicorn
from fastapi import FastAPI

from app.api.error_table import MEANINGS
from app.main import create_app, server_options
from app.services.context import Context
from app.settings import Settings

DOCUMENT = create_app(Settings(_env_file=None)).openapi()
OPERATIONS = [(method, path) for path, operations in DOCUMENT["paths"].items() for method in operations]
WITH_BODY = [(method, path) for method, path in OPERATIONS if "requestBody" in DOCUMENT["paths"][path][method]]
START_WITHIN_S = 180
ADMIN_KEY = "of-the-settings-0123456789abcdef"

T = TypeVar("T")


class Service:
    """A running service. `run` executes a service of ours inside its event loop, as a job would."""

    def __init__(self, app: FastAPI, settings: Settings | None = None) -> None:
        self.app, self.settings = app, settings or Settings(_env_file=None)
        options = {**server_options(Settings(_env_file=None)), "app": app, "factory": False, "port": 0}
        self._server = uvicorn.Server(uvicorn.Config(**options))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()
        wait_for(lambda: self._server.started)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    def run(self, work: Callable[[Context], Coroutine[Any, Any, T]]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work(self.app.state.context), self._loop).result(180)

    def _serve(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve()

        asyncio.run(serve())


def start_service(database_url: str, data_dir: Path, **options: Any) -> Service:
    settings = Settings(database_url=database_url, data_dir=data_dir, _env_file=None, **options)
    service = Service(create_app(settings), settings)
    service.start()
    return service


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "the service did not get ready in time"
        time.sleep(0.05)


def problem_of(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "code", "hint", "request_id", "errors"}
    assert body["status"] == status
    assert body["type"] == f"/errors/{body['code']}"
    assert body["code"] in MEANINGS
    assert body["detail"]
    assert body["hint"]
    assert body["request_id"] == answer.headers["x-request-id"]
    for fault in body["errors"]:
        assert set(fault) - {"index"} == {"code", "pointer", "detail", "hint"}
        assert fault["code"] in MEANINGS
        assert fault["hint"]
    return body


def filled(path: str, value: str = "x") -> str:
    return re.sub(r"\{\w+\}", value, path)
