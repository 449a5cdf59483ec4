"""The schema of records."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from prcard.record import LAYOUTS
from prcard.record._codec import RECORDS
from prcard.record.record import fields
from prcard.record.schema import record_schema


def test_it_is_a_schema_that_names_every_layout_and_field() -> None:
    schema = record_schema()
    Draft202012Validator.check_schema(schema)
    parts = {part["properties"]["layout"]["const"]: part for part in schema["oneOf"]}
    assert list(parts) == list(LAYOUTS)
    for layout, part in parts.items():
        assert part["required"] == ["layout", *fields(RECORDS[layout].places)]
    assert "GENERATED" in schema["$comment"]
