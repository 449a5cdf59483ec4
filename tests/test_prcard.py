"""The public face of the package."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

import prcard
from prcard.simulator.specimens import specimen


def test_the_example_of_the_docstring_works() -> None:
    with prcard.open_reader("sim:alice") as reader:
        raw = reader.read(timeout_s=10)
    record = prcard.decode(raw)
    assert isinstance(record, prcard.PermanentResident2023)
    assert record == prcard.decode(raw.text)
    verdict = prcard.verify(raw, profile="training")
    assert verdict.outcome is prcard.Outcome.PASSED
    assert prcard.load_capture(prcard.dump_capture(raw)) == raw


def test_moment_and_profile_are_the_callers() -> None:
    raw = prcard.open_reader("sim:alice").read(10)
    at = datetime.fromisoformat("2035-01-01T00:00:00+08:00")
    verdict = prcard.verify(raw, profile=prcard.load_profile("training"), at=at)
    assert [check.reason for check in verdict.failed] == ["expired"]
    assert prcard.verify(raw).profile == "counter"


@pytest.mark.parametrize("name", prcard.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(prcard, name) is not None
    assert name in dir(prcard)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = prcard.nonsense


def test_importing_it_loads_nothing_else() -> None:
    code = "import sys, prcard; print(' '.join(name for name in sys.modules if name.startswith('prcard')))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) == {"prcard", "prcard._version"}


def test_a_moment_of_just_now_is_the_present_and_an_earlier_one_is_said_to_be_one() -> None:
    raw, now = specimen("alice").card(), datetime.now(UTC)
    assert prcard.verify(raw, profile="bank", at=now).as_of is None
    assert prcard.verify(raw, profile="bank").as_of is None
    earlier = prcard.verify(raw, profile="bank", at=datetime(2025, 6, 1, tzinfo=UTC))
    assert earlier.profile_version == "1"
    assert earlier.as_of is not None
    assert earlier.as_of.profile_of_that_day
