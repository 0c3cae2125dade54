"""The yardstick: what one FastAPI route costs that does nothing."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Empty(BaseModel):
    ok: bool = True


@app.get("/empty")
async def empty() -> Empty:
    return Empty()
