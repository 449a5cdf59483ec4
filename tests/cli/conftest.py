"""Running commands in this process and checking their JSON against the schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from prcard.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


class Result(NamedTuple):
    code: int
    out: str
    err: str

    def document(self, schema: str) -> dict[str, Any]:
        """The one JSON document on stdout, checked against a published schema."""
        document: dict[str, Any] = json.loads(self.out)
        text = (ROOT / "schemas" / f"{schema}.schema.json").read_text(encoding="utf-8")
        Draft202012Validator(json.loads(text), format_checker=FormatChecker()).validate(document)
        return document


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def call(*arguments: object) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert isinstance(end.value.code, int)
        return Result(end.value.code, out, err)

    return call


@pytest.fixture
def fixture_file() -> Callable[[str], Path]:
    return lambda name: ROOT / "fixtures" / "specimens" / name
