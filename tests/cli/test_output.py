"""Output shared by commands. What is not shown by the commands' own tests."""

from __future__ import annotations

import pytest

from prcard.cli.main import ExitCode
from prcard.cli.output import error_document, parse_hex
from prcard.errors import FieldProblem, ReaderError, ReaderFault, RecordError


def test_a_reader_error_keeps_fault_and_advice() -> None:
    error = ReaderError(ReaderFault.BUSY, "In use.", "Wait.")
    document = error_document(error, ExitCode.READER)["error"]
    assert (document["fault"], document["advice"], document["problems"]) == ("reader-busy", "Wait.", [])


def test_a_record_error_keeps_its_problems() -> None:
    error = RecordError(FieldProblem("sex", 30, "1 digit", "U+0058"))
    document = error_document(error, ExitCode.MALFORMED)["error"]
    assert document["fault"] is None
    assert document["problems"] == [{"field": "sex", "offset_bytes": 30, "expected": "1 digit", "found": "U+0058"}]


@pytest.mark.parametrize(
    ("text", "data"),
    [(b"00 ff\n", b"\0\xff"), (b"", None), (b" \n", None), (b"0", None), (b"xy", None), (b"\xff", None)],
)
def test_hexadecimal_text(text: bytes, data: bytes | None) -> None:
    assert parse_hex(text) == data
