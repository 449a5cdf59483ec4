"""The published schemas: one for every command, and each a schema."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from prcard.cli.reference import leaves
from prcard.cli.schemas import COMMAND_SCHEMAS, schemas


@pytest.mark.parametrize("name", schemas())
def test_each_is_a_schema_that_says_it_is_generated(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.schema.json"
    assert "GENERATED" in schema["$comment"]
    assert schema["title"]


def test_every_command_has_one() -> None:
    assert set(COMMAND_SCHEMAS) == {name for name, _ in leaves()}
    assert set(COMMAND_SCHEMAS.values()) <= set(schemas())
