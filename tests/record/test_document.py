"""Records as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from prcard.errors import RecordError
from prcard.record import decode, from_document, to_document
from prcard.record._codec import RECORDS
from prcard.record.layouts import Layout
from prcard.record.schema import record_schema

VALIDATOR = Draft202012Validator(record_schema())


def test_law_documents_give_the_record_back_and_fit_the_schema(
    good_zone: st.SearchStrategy[tuple[type[Layout], bytes]],
) -> None:
    @given(good_zone)
    def law(case: tuple[type[Layout], bytes]) -> None:
        layout, raw = case
        document = json.loads(json.dumps(to_document(RECORDS[layout.id].fast_decode(raw))))
        assert from_document(document).raw == raw
        VALIDATOR.validate(document)

    law()


def test_the_form_is_plain(zone: Callable[..., bytes]) -> None:
    document = to_document(decode(zone("resident", reserved_250="ABC")))
    assert document["layout"] == "resident"
    assert document["birth_date"] == "1958-02-03"
    assert document["expiry_date"] == "长期"
    assert document["reserved_220"] is None
    assert document["reserved_250"] == "410042004300"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"layout": "pr2099"}, {"layout"}),
        ({"layout": None}, {"layout"}),
        ({"layout": ["pr2023"]}, {"layout"}),
        ({"sex": None, "birth_date": "1985-02-30"}, {"sex", "birth_date"}),
        ({"extra": "x"}, {"extra"}),
        ({"reserved_158": "xx"}, {"reserved_158"}),
    ],
)
def test_all_problems_are_named_together(zone: Callable[..., bytes], change: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(RecordError) as error:
        from_document(to_document(decode(zone("pr2023"))) | change)
    assert {problem.field for problem in error.value.problems} == fields


def test_a_missing_field_is_named(zone: Callable[..., bytes]) -> None:
    document = to_document(decode(zone("pr2023")))
    del document["number"]
    with pytest.raises(RecordError, match="number at byte 122: expected a number"):
        from_document(document)


@given(
    st.dictionaries(
        st.text(max_size=20), st.one_of(st.none(), st.integers(), st.text(max_size=40), st.lists(st.none()))
    )
)
def test_law_any_document_gives_a_record_or_a_record_error(document: dict[str, Any]) -> None:
    for layout in (*RECORDS, "none"):
        with pytest.raises(RecordError):
            from_document({**document, "layout": layout})
