"""Logs: what is needed to find a defect, and nothing about anybody."""

from __future__ import annotations

import logging

import httpx2
import pytest

from .wire import Service

SECRET = "qz9privateword"


def test_no_id_no_text_and_no_body_reaches_the_logs(
    client: httpx2.Client, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    catch_up, service.app.state.catch_up = service.app.state.catch_up, None
    try:
        client.put(f"/items/{SECRET}", json={"title": SECRET})  # a defect, which is logged
    finally:
        service.app.state.catch_up = catch_up
    client.post("/behaviors", json={"user_id": SECRET, "item_id": SECRET, "type": SECRET, "text": SECRET})
    client.post("/behaviors", content=f'{{"user_id": "{SECRET}"'.encode())
    client.get(f"/users/{SECRET}/profile")
    client.get("/search", params={"q": SECRET, "user_id": SECRET})
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert not [line for line in logged if SECRET in line]
    assert any("TypeError" in line for line in logged)
    assert any("/users/{user_id}/profile" in line for line in logged)
