"""`prcard doctor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prcard.cli import doctor
from prcard.reader.diagnosis import Finding, Level
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.vpcd import PCSCFace

Run = Callable[..., Any]
WELL = Finding(code="serial-port", level=Level.OK, what="The serial port /dev/ttyUSB0 can be opened.")
TROUBLE = Finding(
    code="pcscd-not-running",
    level=Level.PROBLEM,
    what="The PC/SC service does not answer.",
    cause="pcscd is installed and does not run.",
    fix="systemctl start pcscd",
)


def test_trouble_is_explained_and_told_by_the_exit_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "diagnose", lambda: [WELL, TROUBLE])
    result = run("doctor")
    assert result.code == 4
    assert "problem The PC/SC service does not answer.\n        cause: pcscd is installed" in result.out
    assert "        fix: systemctl start pcscd" in result.out
    document = run("doctor", "--json").document("diagnosis")
    assert [finding["level"] for finding in document["findings"]] == ["ok", "problem"]


def test_without_trouble_it_is_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "diagnose", lambda: [WELL])
    assert run("doctor").code == 0


def test_on_this_machine_with_a_virtual_card(run: Run, pcsc: Callable[[PCSCFace], PCSCFace]) -> None:
    virtual = VirtualReader()
    virtual.insert(specimen("alice").card())
    face = pcsc(PCSCFace(virtual))
    document = run("doctor", "--json").document("diagnosis")
    said = [finding["what"] for finding in document["findings"]]
    assert f"{face.names[0]} is there; on it lies: card with our application." in said
    assert f"{face.names[0][:-1]}1 is there, without a card." in said
