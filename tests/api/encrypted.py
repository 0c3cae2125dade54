"""Fixtures that run tests over the wire a second time, on a service that stores users encrypted.

A module that imports these beside the tests of another one says that they hold there too.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from .wire import Service, wait_for


@pytest.fixture(scope="module")
def service(encrypted_service: Service) -> Service:
    return encrypted_service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=service.base_url, timeout=30) as connected:
        wait_for(lambda: connected.get("/health/ready").json()["parts"]["encoder"]["state"] == "ok")
        yield connected
