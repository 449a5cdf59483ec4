"""The models take what the tables know, and publish it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from prcard.counter.models import Injection, Insertion, Pair, Reveal
from prcard.counter.training import FAULTS
from prcard.simulator.specimens import SPECIMENS


def test_names_are_those_of_the_tables() -> None:
    assert Insertion(specimen="alice").specimen == "alice"
    assert Injection.model_json_schema()["properties"]["fault"]["enum"] == list(FAULTS)
    assert Insertion.model_json_schema()["properties"]["specimen"]["enum"] == [entry.name for entry in SPECIMENS]
    assert "number" in Reveal.model_json_schema()["properties"]["fields"]["items"]["enum"]


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Insertion(specimen="nobody"),
        lambda: Injection(fault="x", specimen="alice"),
        lambda: Reveal(fields=["nonsense"]),
        lambda: Reveal(fields=[]),
        lambda: Pair(code="1", name="line\nbreak"),
        lambda: Pair(code="", name="x"),
        lambda: Pair.model_validate({"code": "1", "name": "x", "more": 1}),
    ],
)
def test_anything_else_is_refused(bad: object) -> None:
    with pytest.raises(ValidationError):
        bad()  # type: ignore[operator]
