"""Hostile requests made from the OpenAPI document: no server error, and every answer as the document says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from prcard.counter.app import build_app
from prcard.counter.gate import Rate
from prcard.counter.service import Counter

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    ignored_auth,
    unsupported_method,
]


PATIENT = settings(
    max_examples=25, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def document(shared: Any) -> Any:
    """The document, without the endless stream (test_app.py listens to it), and a gate that one may ask often."""
    gate = shared.server._servers[0].config.loaded_app
    gate._rate = gate._pairing_rate = Rate(1e9, 10**9)
    raw = httpx.get(shared.url + "api/v1/openapi.json").json()
    del raw["paths"]["/api/v1/events"]
    return schemathesis.openapi.from_dict(raw)


def operations() -> list[str]:
    paths = build_app(Counter(), 8964).openapi()["paths"]
    return [f"{method.upper()} {path}" for path, all_of in paths.items() for method in all_of if "events" not in path]


def modes(operation: Any) -> list[GenerationMode]:
    """What is allowed, and what is not where an operation takes anything at all."""
    takes = operation.body or operation.path_parameters or operation.query or operation.headers
    return list(GenerationMode) if takes else [GenerationMode.POSITIVE]


@pytest.mark.parametrize("operation", operations())
def test_an_operation_keeps_to_the_document(document: Any, shared: Any, operation: str) -> None:
    method, path = operation.split()
    station = shared.counter.stations[0]
    if "{presence}" in path and station.presence is None:
        shared.insert("alice")
        shared.card()
    document.config.update(base_url=shared.url.rstrip("/"), headers={"Authorization": f"Bearer {shared.token()}"})
    # Ending a pairing ends the token that the check would need again.
    checks = [check for check in CHECKS if operation != "DELETE /api/v1/pairing" or check is not ignored_auth]
    statuses = set()

    found = document[path][method.lower()]

    @PATIENT
    @given(case=st.one_of(*(found.as_strategy(generation_mode=mode) for mode in modes(found))))
    def run(case: Any) -> None:
        # Half of the time something that is really there, so that more than its absence is tried.
        for name, real in (("presence", station.presence and station.presence.id), ("reader", "r1")):
            if real and len(str((case.path_parameters or {}).get(name, ""))) % 2:
                case.path_parameters[name] = real
        statuses.add(case.call_and_validate(checks=checks).status_code)

    run()
    # A code cannot be guessed, and a new one is for our own page.
    guarded = operation in {"POST /api/v1/pairing", "POST /api/v1/pairing/codes"}
    assert guarded or any(status < 300 for status in statuses), statuses
