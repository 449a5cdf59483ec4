"""Scenario files: what happens at a reader, step by step, as a TOML file that anybody can write and share.

    title = "Lifted too early"
    [[fault]]
    kind = "card-lifted"
    [[step]]
    do = "insert"
    card = "alice"

`Scenario.parse` reads one, `ScenarioRun` plays it on a virtual reader, and those of `shipped` play the problems that
users of real readers report.
"""

from __future__ import annotations

import threading
import time
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

from prcard.errors import FieldProblem, PRCardError, ReaderFault, RecordError
from prcard.simulator.cards import load_card
from prcard.simulator.faults import ALWAYS, PARAMETERS, Fault, FaultKind
from prcard.simulator.fidelity import FIDELITIES, fidelity
from prcard.wire.codes import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prcard.simulator.device import VirtualReader

__all__ = [
    "MAX_SCENARIO_CHARS",
    "STEPS",
    "Scenario",
    "ScenarioRun",
    "Step",
    "load_scenario",
    "scenario_reference",
    "scenario_schema",
    "shipped",
]

_T = TypeVar("_T")

MAX_SCENARIO_CHARS: Final = 100_000
MAX_STEPS: Final = 1000
MAX_FAULTS: Final = 100
"""Limits for a file from elsewhere."""

EXPECT_S: Final = 10.0
OUTCOMES: Final = ("read", *(fault.value for fault in ReaderFault))
"""What prcard's own reader can make of a scenario: a card that was read, or the code of an error."""


class Key(NamedTuple):
    """One key of a step.

    Attributes:
        schema: What it may hold, as JSON Schema.
        required: Whether it must be there.
        meaning: For people.
    """

    schema: dict[str, Any]
    required: bool
    meaning: str


_CARD: Final = Key({"type": "string", "minLength": 1}, True, "a specimen's name, or the file of a capture")
_COMMAND: Final = {"enum": list(Command.__members__)}
_SECONDS: Final = {"type": "number", "minimum": 0, "maximum": 3600}
_BYTE: Final = {"type": "integer", "minimum": 0, "maximum": 255}

STEPS: Final[dict[str, tuple[str, dict[str, Key]]]] = {
    "insert": ("lays a card down", {"card": _CARD}),
    "swap": ("lifts the card and lays another one down at once", {"card": _CARD}),
    "remove": ("lifts the card", {}),
    "wait": ("lets time pass", {"seconds": Key(_SECONDS, True, "how long")}),
    "expect": (
        "waits until a host has asked for a command; if it does not, the scenario has failed",
        {
            "command": Key(_COMMAND, True, "what the host is to ask for, since the last `expect`"),
            "within_s": Key(_SECONDS, False, f"longest wait, {EXPECT_S:g} s unless given"),
        },
    ),
    "answer": (
        "answers the next such command with a status of your choice",
        {
            "command": Key(_COMMAND, True, "which command"),
            "status": Key(_BYTE, True, "SW3"),
            "sw1": Key(_BYTE, False, "SW1, 0 unless given"),
            "sw2": Key(_BYTE, False, "SW2, 0 unless given"),
            "data": Key({"type": "string", "pattern": "^([0-9A-Fa-f]{2})*$"}, False, "hexadecimal bytes behind SW3"),
            "times": Key({"type": "integer", "minimum": 0}, False, "how often; 0 is always, 1 unless given"),
        },
    ),
    "fault": ("arms a fault; its keys are those of `[[fault]]`", {}),
    "clear": ("disarms all faults", {}),
    "unplug": ("pulls the reader off", {"seconds": Key(_SECONDS, False, "back after so long, or at `plug`")}),
    "plug": ("plugs the reader in again", {}),
    "speed": ("changes how fast it answers", {"speed": Key({"type": "string"}, True, "`fast`, `real` or a baud rate")}),
}
"""What a step may do: name -> (meaning, its keys)."""

_TOP: Final[dict[str, Key]] = {
    "title": Key({"type": "string", "minLength": 1}, True, "a few words"),
    "about": Key({"type": "string"}, False, "what it shows, and what a good host does"),
    "source": Key({"type": "string"}, False, "where the problem was seen"),
    "seed": Key({"type": "integer", "minimum": 0}, False, "decides what is left to chance; 0 unless given"),
    "fidelity": Key({"enum": [entry.name for entry in FIDELITIES]}, False, "the kind of reader"),
    "prcard": Key(
        {"type": "array", "items": {"enum": list(OUTCOMES)}}, False, "what prcard's own reader makes of it, in order"
    ),
    "fault": Key({"type": "array", "maxItems": MAX_FAULTS}, False, "faults that are armed from the start"),
    "step": Key({"type": "array", "maxItems": MAX_STEPS}, False, "what happens, in order"),
}


class Step(NamedTuple):
    """One step: what to do, and with what."""

    do: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario, checked: every key is known, every value possible, every card there.

    Attributes:
        title: A few words.
        about: What it shows.
        source: Where the problem was seen.
        seed: Decides what is left to chance.
        fidelity: Name of the fidelity profile.
        faults: Armed from the start.
        steps: What happens, in order.
        outcomes: What prcard's own reader makes of it when it reads again and again.
    """

    title: str
    about: str = ""
    source: str = ""
    seed: int = 0
    fidelity: str = FIDELITIES[0].name
    faults: tuple[Fault, ...] = ()
    steps: tuple[Step, ...] = ()
    outcomes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a scenario file.

        Args:
            text: TOML, at most `MAX_SCENARIO_CHARS` characters.

        Raises:
            RecordError: it is no scenario; names every key that is refused.
        """
        if len(text) > MAX_SCENARIO_CHARS:
            raise _refused(FieldProblem("scenario", None, f"at most {MAX_SCENARIO_CHARS} characters", f"{len(text)}"))
        try:
            document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise _refused(FieldProblem("scenario", None, "TOML", str(error)[:120])) from error
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Reads the document that a scenario file holds; see `parse`."""
        problems = list(_judge(document, _TOP, ""))
        if problems:
            raise _refused(*problems)
        faults = list(_collect(problems, _fault, document.get("fault", ()), "fault"))
        steps = list(_collect(problems, _step, document.get("step", ()), "step"))
        if problems:
            raise _refused(*problems)
        return cls(
            title=document["title"],
            about=document.get("about", ""),
            source=document.get("source", ""),
            seed=document.get("seed", 0),
            fidelity=document.get("fidelity", FIDELITIES[0].name),
            faults=tuple(faults),
            steps=tuple(steps),
            outcomes=tuple(document.get("prcard", ())),
        )

    def prepare(self, reader: VirtualReader) -> None:
        """Makes a reader the kind of reader that the scenario wants, with its faults armed."""
        chosen = fidelity(self.fidelity)
        reader.fidelity = chosen
        reader.pace_baud = 0 if chosen.real_time else None
        reader.faults.reseed(self.seed)
        reader.inject(*self.faults)


class ScenarioRun:
    """One scenario that plays on a reader in a thread of its own; stop it when done.

    Attributes:
        scenario: What is played.
    """

    def __init__(self, scenario: Scenario, reader: VirtualReader) -> None:
        """Prepares the reader; `start` begins with the steps."""
        self.scenario = scenario
        self._reader = reader
        self._stop = threading.Event()
        self._step = 0
        self._state = "waiting"
        self._problem = ""
        self._seen = reader.requests
        self._thread = threading.Thread(target=self._play, name="prcard-scenario", daemon=True)
        scenario.prepare(reader)

    @property
    def state(self) -> str:
        """`waiting`, `running`, `done`, `failed` or `stopped`."""
        return self._state

    @property
    def problem(self) -> str:
        """Why it failed; "" otherwise."""
        return self._problem

    def status(self) -> dict[str, Any]:
        """How far it is, JSON-ready."""
        return {
            "title": self.scenario.title,
            "state": self._state,
            "step": self._step,
            "steps": len(self.scenario.steps),
            "problem": self._problem,
        }

    def start(self) -> ScenarioRun:
        """Begins with the first step."""
        self._state = "running"
        self._thread.start()
        return self

    def join(self, timeout_s: float | None = None) -> str:
        """Waits for the last step, at most so many seconds, and gives the state."""
        self._thread.join(timeout_s)
        return self._state

    def stop(self) -> None:
        """Ends it where it is; a second call does nothing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _play(self) -> None:
        for number, step in enumerate(self.scenario.steps, start=1):
            self._step = number
            try:
                self._carry_out(step)
            except PRCardError as error:
                self._state, self._problem = "failed", f"step {self._step} ({step.do}): {error}"
                return
            if self._stop.is_set():
                self._state = "stopped"
                return
        self._state = "done"

    def _carry_out(self, step: Step) -> None:
        reader, values = self._reader, step.values
        match step.do:
            case "insert" | "swap":
                reader.insert(load_card(values["card"]), values["card"])
            case "remove":
                reader.remove()
            case "wait":
                self._stop.wait(values["seconds"])
            case "expect":
                self._expect(Command[values["command"]], values.get("within_s", EXPECT_S))
            case "answer" | "fault":
                reader.inject(_fault_of(step))
            case "clear":
                reader.clear_faults()
            case "unplug":
                reader.unplug(values.get("seconds"))
            case "plug":
                reader.plug()
            case _:
                reader.set_speed(values["speed"])

    def _expect(self, command: Command, within_s: float) -> None:
        end = time.monotonic() + within_s
        while not self._stop.is_set():
            left = end - time.monotonic()
            if left <= 0:
                raise _refused(FieldProblem(command.name, None, f"a request within {within_s:g} s", "none"))
            heard = self._reader.wait_for(command, min(left, 0.2), self._seen)
            if heard is not None:
                self._seen = heard.number
                return


@cache
def shipped() -> dict[str, Scenario]:
    """Gives the scenarios that come along, by name."""
    folder = resources.files("prcard.simulator") / "scenarios"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): Scenario.parse(file.read_text(encoding="utf-8")) for file in files}


def load_scenario(name: str) -> Scenario:
    """Gives a scenario that comes along, or that of a file.

    Args:
        name: A name of `shipped`, or the file of a scenario (its name holds a dot or a slash).

    Raises:
        RecordError: there is none, it cannot be read, or it is no scenario.
    """
    if not ("/" in name or "." in name):
        found = shipped().get(name)
        if found is None:
            known = ", ".join(shipped())
            raise RecordError(
                FieldProblem("scenario", None, f"a file or one of {known}", repr(name[:40])), advice="Choose another."
            )
        return found
    try:
        with Path(name).open(encoding="utf-8") as file:
            text = file.read(MAX_SCENARIO_CHARS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise RecordError(FieldProblem(name[:200], None, "a file of UTF-8 text", reason)) from error
    return Scenario.parse(text)


def _collect(
    problems: list[FieldProblem], make: Callable[[object, str], _T], entries: Sequence[object], name: str
) -> Iterator[_T]:
    """Makes what can be made of a list of tables, and adds what is wrong with the others."""
    for at, entry in enumerate(entries):
        try:
            yield make(entry, f"{name}[{at}]")
        except RecordError as error:
            problems += error.problems


def _fault(entry: object, path: str) -> Fault:
    if not isinstance(entry, dict):
        raise _refused(FieldProblem(path, None, "a table", "another value"))
    return Fault.from_document(entry, path)


def _step(entry: object, path: str) -> Step:
    if not isinstance(entry, dict):
        raise _refused(FieldProblem(path, None, "a table", "another value"))
    values = dict(entry)
    do = values.pop("do", None)
    if not isinstance(do, str) or do not in STEPS:
        found = "nothing" if do is None else repr(str(do)[:40])
        raise _refused(FieldProblem(f"{path}.do", None, f"one of {', '.join(STEPS)}", found))
    step = Step(do, values)
    if do == "fault":
        Fault.from_document(values, path)
        return step
    problems = list(_judge(values, STEPS[do][1], f"{path}."))
    if problems:
        raise _refused(*problems)
    if "card" in values:
        try:
            load_card(values["card"])
        except RecordError as error:
            first = error.problems[0]
            raise _refused(FieldProblem(f"{path}.card", None, first.expected, first.found)) from error
    return step


def _fault_of(step: Step) -> Fault:
    if step.do == "fault":
        return Fault.from_document(step.values)
    values = {key: value for key, value in step.values.items() if key not in {"command", "times"}}
    return Fault(
        kind=FaultKind.STATUS, command=Command[step.values["command"]], times=step.values.get("times", 1), values=values
    )


def _judge(document: Mapping[str, Any], keys: Mapping[str, Key], path: str) -> list[FieldProblem]:
    problems = [
        FieldProblem(f"{path}{str(name)[:40]}", None, f"one of {', '.join(keys) or 'no further keys'}", "another key")
        for name in document
        if name not in keys
    ]
    for name, key in keys.items():
        if name in document:
            expected = _misfit(document[name], key.schema)
            if expected:
                problems.append(FieldProblem(f"{path}{name}", None, expected, repr(document[name])[:40]))
        elif key.required:
            problems.append(FieldProblem(f"{path}{name}", None, key.meaning, "nothing"))
    return problems


def _misfit(value: object, schema: Mapping[str, Any]) -> str:
    """Says what a value was to be; "" when it is. Knows as much of JSON Schema as the tables above use."""
    if "enum" in schema:
        return "" if value in schema["enum"] else f"one of {', '.join(schema['enum'])}"
    if schema["type"] == "array":
        if not isinstance(value, list) or len(value) > schema.get("maxItems", MAX_STEPS):
            return f"a list of at most {schema.get('maxItems', MAX_STEPS)}"
        return (
            next((wrong for item in value if (wrong := _misfit(item, schema["items"]))), "")
            if "items" in schema
            else ""
        )
    if schema["type"] == "string":
        good = isinstance(value, str) and len(value) >= schema.get("minLength", 0)
        if good and "pattern" in schema:
            digits = str(value)
            good = len(digits) % 2 == 0 and all(character in "0123456789abcdefABCDEF" for character in digits)
            return "" if good else "pairs of hexadecimal digits"
        return "" if good else "text"
    whole = schema["type"] == "integer"
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
    good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    good = good and low <= value <= high
    return "" if good else f"a {'whole ' if whole else ''}number from {low} to {high}"


def _refused(*problems: FieldProblem) -> RecordError:
    return RecordError(*problems, advice="Correct the keys that are named; docs/reference/scenarios.md lists them.")


def scenario_schema() -> dict[str, Any]:
    """Gives the JSON Schema of a scenario file (2020-12), for editors and for other tools."""
    top = {name: key.schema | {"description": key.meaning} for name, key in _TOP.items()}
    top["fault"] |= {"items": {"oneOf": [_fault_schema(kind) for kind in FaultKind]}}
    steps = [_step_schema(name) for name in STEPS if name != "fault"]
    steps += [_fault_schema(kind, {"do": {"const": "fault"}}) for kind in FaultKind]
    top["step"] |= {"items": {"oneOf": steps}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "scenario.schema.json",
        "$comment": "GENERATED by make generate; do not edit.",
        "title": "A scenario for the virtual reader",
        "type": "object",
        "properties": top,
        "required": [name for name, key in _TOP.items() if key.required],
        "additionalProperties": False,
    }


def _step_schema(name: str) -> dict[str, Any]:
    meaning, keys = STEPS[name]
    return {
        "type": "object",
        "description": meaning,
        "properties": {"do": {"const": name}}
        | {key: entry.schema | {"description": entry.meaning} for key, entry in keys.items()},
        "required": ["do", *(key for key, entry in keys.items() if entry.required)],
        "additionalProperties": False,
    }


def _fault_schema(kind: FaultKind, further: dict[str, Any] | None = None) -> dict[str, Any]:
    commands = sorted(command.name for command in kind.commands or Command)
    directions = ["to-host", "to-reader"] if kind.strikes_requests else ["to-host"]
    count = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
    properties: dict[str, Any] = {
        **(further or {}),
        "kind": {"const": kind.value},
        "command": {"enum": commands},
        "skip": count,
        "times": count,
        "chance": {"type": "number", "minimum": 0, "maximum": 1},
        "direction": {"enum": directions},
    }
    for key in kind.defaults:
        parameter = PARAMETERS[key]
        properties[key] = {"type": parameter.type, "description": parameter.meaning}
        if parameter.lowest is not None:
            properties[key] |= {"minimum": parameter.lowest, "maximum": parameter.highest}
        else:
            properties[key] |= {"pattern": "^([0-9A-Fa-f]{2})*$"}
    return {
        "type": "object",
        "description": kind.meaning,
        "properties": properties,
        "required": [*(further or {}), "kind"],
        "additionalProperties": False,
    }


def scenario_reference() -> str:
    """Gives the reference page of scenario files as Markdown: keys, steps, faults, and the files that come along."""
    lines = [
        "<!-- GENERATED by make generate from prcard.simulator.scenario and prcard.simulator.faults; do not edit. -->",
        "# Scenarios and faults",
        "",
        "A scenario is a TOML file; `schemas/scenario.schema.json` is its schema. A key that is wrong is named.",
        "",
        "| key | holds |",
        "|---|---|",
        *(f"| `{name}`{' (required)' if key.required else ''} | {key.meaning} |" for name, key in _TOP.items()),
        "",
        "## Steps",
        "",
        "Each `[[step]]` has a key `do` and the keys of what it does.",
        "",
        "| `do` | does | keys |",
        "|---|---|---|",
    ]
    for name, (meaning, keys) in STEPS.items():
        shown = "; ".join(
            f"`{key}`{'' if entry.required else ' (optional)'}: {entry.meaning}" for key, entry in keys.items()
        )
        lines.append(f"| `{name}` | {meaning} | {shown} |")
    lines += [*_faults_reference(), *_shipped_reference()]
    return "\n".join(lines) + "\n"


def _faults_reference() -> list[str]:
    lines = [
        "",
        "## Faults",
        "",
        "Each `[[fault]]` has a key `kind`, its own keys, and any of `command` (strikes only replies to it), `skip`",
        "(replies to let pass), `times` (how often; 0 is always), `chance` (0–1) and, for faults of bytes,",
        '`direction = "to-reader"`, which damages requests. On the control socket: `fault KIND KEY=VALUE …`.',
        "The last two columns say what prcard's own reader makes of it; a test holds it to that.",
        "",
        "| kind | what happens | own keys | strikes | once | always |",
        "|---|---|---|---|---|---|",
    ]
    for kind in FaultKind:
        own = ", ".join(
            f"`{key}`" + ("" if value in (None, "") else f" = {value}") for key, value in kind.defaults.items()
        )
        commands = ", ".join(f"`{name}`" for name in sorted(c.name for c in kind.commands)) or "any reply"
        strikes = f"{commands}; {'always' if kind.times == ALWAYS else 'once'}"
        lines.append(f"| `{kind.value}` | {kind.meaning} | {own} | {strikes} | `{kind.once}` | `{kind.always}` |")
    lines += ["", "| key | holds |", "|---|---|"]
    lines += [f"| `{key}` | {parameter.meaning} |" for key, parameter in PARAMETERS.items()]
    return lines


def _shipped_reference() -> list[str]:
    lines = [
        "",
        "## Scenarios that come along",
        "",
        "`prcard simulate --scenario NAME`. The last column is what prcard's own reader makes of it when it reads",
        "again and again.",
        "",
        "| name | title | about | source | prcard |",
        "|---|---|---|---|---|",
    ]
    for name, entry in shipped().items():
        about = " ".join(entry.about.split())
        outcomes = ", ".join(f"`{outcome}`" for outcome in entry.outcomes)
        lines.append(f"| `{name}` | {entry.title} | {about} | {entry.source} | {outcomes} |")
    return lines
