"""Requests made from the description: every answer is one that it declares, and none is a 5xx."""

from __future__ import annotations

import httpx2
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
)

from .wire import ADMIN_KEY, DOCUMENT

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
schema = schemathesis.openapi.from_dict(DOCUMENT)
# Not checked: what a JSON schema cannot say (an id of blanks, a time out of the window, an unknown cursor).
UNSAID = [positive_data_acceptance, negative_data_rejection, missing_required_header]


# The first key would close this service, which is open, to all other tests.
@schema.exclude(path_regex="^/keys").parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: Case, client: httpx2.Client, base_url: str) -> None:
    case.call_and_validate(base_url=base_url, excluded_checks=[*UNSAID, ignored_auth])


@schema.include(path_regex="^/keys").parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_keys_are_as_described(case: Case, locked: httpx2.Client) -> None:
    # `ignored_auth` adds a wrong second key to the good one; who may do what is the matter of test_access.
    checks = [*UNSAID, ignored_auth]
    case.call_and_validate(base_url=str(locked.base_url), headers={"X-API-Key": ADMIN_KEY}, excluded_checks=checks)
