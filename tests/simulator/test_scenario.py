"""Scenario files: what is refused, how they play, and that those that come along do what they say."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prcard.errors import ReaderError, ReaderFault, RecordError
from prcard.reader.sam import SAMReader
from prcard.simulator.device import VirtualReader
from prcard.simulator.faults import FaultKind
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.scenario import (
    MAX_SCENARIO_CHARS,
    STEPS,
    Scenario,
    ScenarioRun,
    load_scenario,
    scenario_reference,
    scenario_schema,
    shipped,
)
from prcard.simulator.specimens import SPECIMENS
from prcard.wire.codes import Command
from prcard.wire.frame import Frame
from prcard.wire.procedure import ReadOptions

ALL = ReadOptions(fingerprint=True, extra=True, management=True)
FOLDER = Path(__file__).resolve().parents[2] / "src" / "prcard" / "simulator" / "scenarios"
SCHEMA = Draft202012Validator(scenario_schema())


def outcomes(scenario: Scenario) -> list[str]:
    """Reads as often as the scenario tells outcomes, as a patient host would."""
    reader = VirtualReader()
    run = ScenarioRun(scenario, reader).start()
    known = {entry.card().text for entry in SPECIMENS}
    found: list[str] = []
    host: SAMReader | None = None
    for _ in scenario.outcomes:
        try:
            while not reader.plugged:
                time.sleep(0.01)
            host = host or SAMReader(InProcessChannel(reader.line()))
            assert host.read(20, ALL).text in known
            found.append("read")
        except ReaderError as error:
            found.append(error.fault.value)
            if error.fault is ReaderFault.LOST:
                host = None
    run.stop()
    assert run.problem == ""
    return found


@pytest.mark.parametrize("name", shipped())
def test_a_scenario_that_comes_along_does_what_it_says(name: str) -> None:
    scenario = shipped()[name]
    assert scenario.about
    assert scenario.source
    assert scenario.outcomes
    assert outcomes(scenario) == list(scenario.outcomes)


@pytest.mark.parametrize("name", shipped())
def test_a_scenario_that_comes_along_is_valid_against_the_schema(name: str) -> None:
    SCHEMA.validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))


def test_the_scenario_of_the_how_to_page_is_one() -> None:
    page = (FOLDER.parents[3] / "docs" / "how-to" / "use-a-virtual-reader.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(Scenario.parse(text).steps) == 4
    SCHEMA.validate(tomllib.loads(text))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(scenario_schema())


EVERY_STEP = """
title = "Every step"
seed = 3
fidelity = "split-64"
[[fault]]
kind = "wrong-check"
command = "FIND_CARD"
[[step]]
do = "insert"
card = "alice"
[[step]]
do = "expect"
command = "FIND_CARD"
within_s = 30
[[step]]
do = "swap"
card = "bob"
[[step]]
do = "answer"
command = "SELECT_CARD"
status = 0x81
sw1 = 0x69
times = 2
[[step]]
do = "fault"
kind = "reply-twice"
[[step]]
do = "clear"
[[step]]
do = "speed"
speed = "9600"
[[step]]
do = "wait"
seconds = 0
[[step]]
do = "unplug"
[[step]]
do = "plug"
[[step]]
do = "unplug"
seconds = 0
[[step]]
do = "remove"
"""


def test_every_step_is_carried_out() -> None:
    scenario = Scenario.parse(EVERY_STEP)
    assert {step.do for step in scenario.steps} == set(STEPS)
    SCHEMA.validate(tomllib.loads(EVERY_STEP))
    reader = VirtualReader()
    run = ScenarioRun(scenario, reader)
    assert (run.state, reader.fidelity.name) == ("waiting", "split-64")
    assert [fault["kind"] for fault in reader.faults.status()] == ["wrong-check"]
    line = reader.line()
    run.start()
    line.receive(Frame.request(Command.FIND_CARD).serialize(), 0)
    assert run.join(20) == "done"
    assert run.status() == {"title": "Every step", "state": "done", "step": 12, "steps": 12, "problem": ""}
    assert reader.status() == {"card": None, "state": "EMPTY"}
    assert (reader.epoch, reader.plugged, reader.pace_baud, reader.faults.status()) == (2, True, 9600, [])
    run.stop()


def test_an_answer_step_answers_as_told() -> None:
    scenario = Scenario.from_document(
        {"title": "x", "step": [{"do": "answer", "command": "FIND_CARD", "status": 0x47, "sw2": 1, "data": "AB"}]}
    )
    reader = VirtualReader()
    assert ScenarioRun(scenario, reader).start().join(20) == "done"
    reply = Frame.parse(reader.line().receive(Frame.request(Command.FIND_CARD).serialize(), 0))
    assert reply.body == bytes.fromhex("000147AB")


def test_a_host_that_does_not_come_fails_the_scenario() -> None:
    scenario = Scenario.from_document(
        {"title": "x", "step": [{"do": "expect", "command": "FIND_CARD", "within_s": 0.01}, {"do": "remove"}]}
    )
    run = ScenarioRun(scenario, VirtualReader()).start()
    assert run.join(20) == "failed"
    assert run.problem.startswith("step 1 (expect): FIND_CARD: expected a request within 0.01 s, found none")


def test_a_scenario_can_be_stopped_where_it_is() -> None:
    steps = [{"do": "wait", "seconds": 3600}, {"do": "remove"}]
    run = ScenarioRun(Scenario.from_document({"title": "x", "step": steps}), VirtualReader()).start()
    run.stop()
    run.stop()
    assert run.state == "stopped"
    steps = [{"do": "expect", "command": "FIND_CARD", "within_s": 3600}]
    run = ScenarioRun(Scenario.from_document({"title": "x", "step": steps}), VirtualReader()).start()
    run.stop()
    assert run.state == "stopped"


def test_a_card_that_went_away_after_the_check_fails_the_scenario(tmp_path: Path) -> None:
    from prcard.record.capture import dump_capture

    path = tmp_path / "card.json"
    path.write_text(dump_capture(SPECIMENS[0].card()), encoding="utf-8")
    scenario = Scenario.from_document({"title": "x", "step": [{"do": "insert", "card": str(path)}]})
    path.unlink()
    assert ScenarioRun(scenario, VirtualReader()).start().join(20) == "failed"


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({}, ["title"]),
        ({"title": ""}, ["title"]),
        ({"title": 5}, ["title"]),
        ({"title": "x", "titel": 1}, ["titel"]),
        ({"title": "x", "seed": -1}, ["seed"]),
        ({"title": "x", "seed": True}, ["seed"]),
        ({"title": "x", "fidelity": "best"}, ["fidelity"]),
        ({"title": "x", "prcard": ["good"]}, ["prcard"]),
        ({"title": "x", "step": 5}, ["step"]),
        ({"title": "x", "fault": [{}] * 101}, ["fault"]),
        ({"title": "x", "fault": [5]}, ["fault[0]"]),
        ({"title": "x", "fault": [{"kind": "drop-byte"}, {"kind": "nonsense"}]}, ["fault[1].kind"]),
        ({"title": "x", "fault": [{"kind": "drop-byte", "at": -1}]}, ["fault[0].at"]),
        ({"title": "x", "step": [5]}, ["step[0]"]),
        ({"title": "x", "step": [{}]}, ["step[0].do"]),
        ({"title": "x", "step": [{"do": "dance"}]}, ["step[0].do"]),
        ({"title": "x", "step": [{"do": "insert"}]}, ["step[0].card"]),
        ({"title": "x", "step": [{"do": "insert", "card": "nobody"}]}, ["step[0].card"]),
        ({"title": "x", "step": [{"do": "remove", "card": "alice"}]}, ["step[0].card"]),
        ({"title": "x", "step": [{"do": "wait", "seconds": "long"}]}, ["step[0].seconds"]),
        ({"title": "x", "step": [{"do": "expect", "command": "FIND"}]}, ["step[0].command"]),
        ({"title": "x", "step": [{"do": "fault", "kind": "drop-byte", "at": 1.5}]}, ["step[0].at"]),
        (
            {"title": "x", "step": [{"do": "answer", "command": "FIND_CARD", "status": 256, "data": "ABC"}]},
            ["step[0].status", "step[0].data"],
        ),
        ({"title": "x", "fault": [{}], "step": [{}]}, ["fault[0].kind", "step[0].do"]),
    ],
)
def test_every_key_that_is_wrong_is_named(document: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(RecordError) as refused:
        Scenario.from_document(document)
    assert [problem.field for problem in refused.value.problems] == fields
    # Which cards there are is not known to the schema.
    if document.get("step") != [{"do": "insert", "card": "nobody"}]:
        assert not SCHEMA.is_valid(document)


@pytest.mark.parametrize("text", ["title = ", "x" * (MAX_SCENARIO_CHARS + 1), "a = [" * 5000])
def test_text_that_is_no_scenario(text: str) -> None:
    with pytest.raises(RecordError, match="scenario: expected"):
        Scenario.parse(text)


def test_scenarios_are_loaded_by_name_and_by_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "mine"', encoding="utf-8")
    assert load_scenario(str(path)).title == "mine"
    assert load_scenario("slow-card") is shipped()["slow-card"]
    for name in ("nonsense", "no/such/file"):
        with pytest.raises(RecordError, match="expected a file"):
            load_scenario(name)
    path.write_bytes(b"\xff")
    with pytest.raises(RecordError, match="UTF-8"):
        load_scenario(str(path))


def test_the_page_shows_every_step_fault_and_file() -> None:
    page = scenario_reference()
    assert all(f"| `{name}` |" in page for name in [*STEPS, *(kind.value for kind in FaultKind), *shipped()])
