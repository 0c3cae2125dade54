"""Calls that lead to one another: what one answer names, the next call finds, and after a DELETE it is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.core.transport import Response
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import ignored_auth, use_after_free

from app.domain.limits import MAX_ID

from .test_schemathesis import UNSAID
from .wire import DOCUMENT

_OF_USER, _DECISION = "/users/{user_id}/recommendations", "/recommendations/{recommendation_id}"
_ANSWERED = "$response.body#/recommendation_id"
# Which value of a call names what, and which calls it leads to: all below a path that take it.
LEADS = [
    ("put", "/users/{user_id}", "$request.path.user_id", "/users/{user_id}"),
    ("post", "/behaviors", "$request.body#/user_id", "/users/{user_id}"),
    ("put", "/items/{item_id}", "$request.path.item_id", "/items/{item_id}"),
    ("patch", "/items/{item_id}", "$request.path.item_id", "/items/{item_id}"),
    ("post", "/items", "$request.body#/item_id", "/items/{item_id}"),
    ("put", "/scenarios/{name}", "$request.path.name", "/scenarios/{name}"),
    ("post", "/jobs", "$response.body#/job_id", "/jobs/{job_id}"),
    ("get", _OF_USER, _ANSWERED, _DECISION),
    ("post", _OF_USER, _ANSWERED, _DECISION),
    ("post", "/recommendations", _ANSWERED, _DECISION),
]
# Not checked: what a schema cannot say, as in test_schemathesis, and `ignored_auth`: this service is open, who may do
# what is the matter of test_access.
# Left out: the stream of a job, which lasts as long as the job. Keys lead nowhere: test_schemathesis sends them.
_NAMES = {"user_id", "item_id", "name", "behavior_id"}
_LEFT_OUT = {"/jobs/{job_id}/events"}
# Answered for whoever is asked for: an unknown user gets recommendations, a built-in scenario is always there.
_ALWAYS = ("/recommendations", "/scenarios/")


@pytest.mark.parametrize("below", dict.fromkeys(below for *_, below in LEADS))
def test_what_a_call_leaves_the_next_one_finds(base_url: str, below: str) -> None:
    linked = schemathesis.openapi.from_dict(_linked(below))
    linked.config.update(base_url=base_url)
    examples, seen = count(), Counter[tuple[str, int]]()

    class Calls(linked.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            self._of_this = f"{next(examples)}-"

        def before_call(self, case: Case) -> None:
            """Every example has names of its own: it must not depend on what those before have left."""
            for told in (case.path_parameters, case.body):
                if isinstance(told, dict):
                    told |= {name: self._own(told[name]) for name in _NAMES & told.keys()}

        def _own(self, value: Any) -> Any:
            is_other = isinstance(value, str) and not value.startswith(self._of_this)
            return (self._of_this + value)[:MAX_ID] if is_other else value

        def validate_response(self, response: Response, case: Case, **_: Any) -> None:
            seen[case.operation.label, response.status_code] += 1
            left_out = [use_after_free] if any(part in case.path for part in _ALWAYS) else []
            case.validate_response(response, excluded_checks=[*UNSAID, ignored_auth, *left_out])

    every = list(HealthCheck)
    run_state_machine_as_test(
        Calls,
        settings=settings(
            max_examples=15, stateful_step_count=8, deadline=None, derandomize=True, suppress_health_check=every
        ),
    )
    followed = [label for label, status in seen if label.startswith(f"GET {below}") and status == 200]
    assert followed, f"nothing was found below {below}: {seen}"


def _linked(below: str) -> dict[str, Any]:
    """The description of what leads below a path and of what is there, with the links of `LEADS`."""
    leads = [lead for lead in LEADS if lead[-1] == below]
    sources = {path for _, path, _, _ in leads}
    document = deepcopy(DOCUMENT)
    document["paths"] = {
        path: calls
        for path, calls in document["paths"].items()
        if path in sources or (path.startswith(below) and path not in _LEFT_OUT)
    }
    for method, path, value, _ in leads:
        responses = document["paths"][path][method]["responses"]
        for status in {"200", "202", "207"} & responses.keys():
            responses[status]["links"] = dict(_links(document, value, below))
    return document


def _links(document: dict[str, Any], value: str, below: str) -> Iterator[tuple[str, dict[str, Any]]]:
    name = below.rpartition("{")[2].rstrip("}")
    for path, calls in document["paths"].items():
        if path.startswith(below):
            for method, told in calls.items():
                yield f"{method}{path}", {"operationId": told["operationId"], "parameters": {name: value}}
