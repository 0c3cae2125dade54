"""Requests made from the description: every answer is one that it declares, and none is a 5xx."""

from __future__ import annotations

import httpx2
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import missing_required_header, negative_data_rejection, positive_data_acceptance

from .wire import DOCUMENT

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: Case, client: httpx2.Client, base_url: str) -> None:
    # Not checked: what a JSON schema cannot say (an id of blanks, a time out of the window, an unknown cursor).
    unsaid = [positive_data_acceptance, negative_data_rejection, missing_required_header]
    case.call_and_validate(base_url=base_url, excluded_checks=unsaid)
