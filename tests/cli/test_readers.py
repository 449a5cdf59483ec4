"""`prcard readers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prcard.cli import readers

Run = Callable[..., Any]


def test_what_is_attached_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "attached_readers", lambda: [("serial:/dev/ttyUSB0", "USB serial")])
    assert run("readers").out == "serial:/dev/ttyUSB0\tUSB serial\n"
    document = run("readers", "--json").document("readers")
    assert document == {"readers": [{"uri": "serial:/dev/ttyUSB0", "description": "USB serial"}]}


def test_nothing_attached_is_no_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "attached_readers", list)
    result = run("readers")
    assert (result.code, result.out) == (0, "")
    assert "sim:alice" in result.err
    assert run("readers", "--json").document("readers") == {"readers": []}
