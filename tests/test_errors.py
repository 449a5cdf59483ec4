"""The exception tree: printed, documented and as it is."""

from __future__ import annotations

import inspect
import re

import pytest

from prcard import errors
from prcard.errors import (
    CaptureError,
    FieldProblem,
    LocalWireError,
    NumberError,
    PRCardError,
    ReaderError,
    ReaderFault,
    RecordError,
    RemoteWireError,
    WireError,
)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    printed = set(re.findall(r"\b([A-Z]\w+Error)\b", (errors.__doc__ or "").split("Nothing else")[0]))
    real = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, PRCardError)}
    assert printed == real
    assert issubclass(LocalWireError, WireError)
    assert issubclass(RemoteWireError, WireError)
    assert issubclass(NumberError, RecordError)
    assert issubclass(CaptureError, RecordError)


def test_a_record_error_tells_every_problem_then_the_advice() -> None:
    first, second = FieldProblem("sex", 30, "1 digit", "U+0058"), FieldProblem("number", 122, "18 digits", "17")
    error = RecordError(first, second, advice="Read the card again.")
    assert str(error) == (
        "sex at byte 30: expected 1 digit, found U+0058; number at byte 122: expected 18 digits, found 17. "
        "Read the card again."
    )
    assert error.problems == (first, second)
    assert str(RecordError(first)) == "sex at byte 30: expected 1 digit, found U+0058"


def test_a_reader_error_tells_the_fact_then_the_advice() -> None:
    error = ReaderError(ReaderFault.LOST, "The reader is gone.", "Plug it in again.")
    assert str(error) == "The reader is gone. Plug it in again."
    assert error.fault is ReaderFault.LOST


@pytest.mark.parametrize("fault", ReaderFault)
def test_faults_are_words_for_programs(fault: ReaderFault) -> None:
    assert re.fullmatch(r"(reader|card)-[a-z-]+", fault.value)
