"""The schemas of verdicts and profiles."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from prcard.acceptance.schema import profile_schema, verdict_schema


def test_they_are_schemas_and_strict() -> None:
    for schema in (verdict_schema(), profile_schema()):
        Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
        assert "GENERATED" in schema["$comment"]
        assert not Draft202012Validator(schema).is_valid({})
