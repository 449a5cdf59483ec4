"""Logs hold what may stand in them and nothing else."""

from __future__ import annotations

import io
import json

from prcard.counter.journal import Journal


def test_an_entry_is_one_line_of_json() -> None:
    stream = io.StringIO()
    journal = Journal(stream)
    journal.log("verdict", reader="r1", outcome="PASSED")
    journal.log("closing")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("at").endswith("+00:00")
    assert first == {"event": "verdict", "reader": "r1", "outcome": "PASSED"}
    assert second["event"] == "closing"


def test_what_has_no_place_in_a_log_is_left_out_and_named() -> None:
    stream = io.StringIO()
    Journal(stream).log("verdict", number="911124198504120021", reader="r1")
    assert "9111" not in stream.getvalue()
    assert json.loads(stream.getvalue())["withheld"] == ["number"]


def test_without_a_stream_nothing_is_written() -> None:
    Journal(None).log("verdict")


def test_a_log_that_nobody_takes_does_not_stop_the_counter() -> None:
    stream = io.StringIO()
    journal = Journal(stream)
    stream.close()
    journal.log("verdict")
    journal.log("verdict")
