"""Faults as data: what can go wrong between a reader and a host, each named, bounded and repeatable by its seed.

A `Fault` says what happens, to which reply, how often. `Faults` holds those that are armed on a virtual reader and
decides by its seed which reply is struck; the line of the reader then asks it at three places: before the answer is
made, when its frame stands, and when it is cut into pieces.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, unique
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, Self

from prcard.errors import FieldProblem, RecordError
from prcard.simulator.fidelity import CARD_COMMANDS
from prcard.simulator.outbox import Piece
from prcard.wire.codes import Command
from prcard.wire.frame import HEADER_BYTES, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["PARAMETERS", "Fault", "FaultKind", "Faults", "Parameter", "Struck", "parse_fault"]

READS: Final = frozenset({Command.READ_TEXT_PHOTO, Command.READ_TEXT_PHOTO_FINGERPRINT})
SAM_COMMANDS: Final = frozenset({Command.RESET_SAM, Command.SAM_STATUS, Command.SAM_ID})
ALWAYS: Final = 0
"""Value of `times` for a fault that strikes as long as it is armed."""

PHOTO_MIDDLE: Final = HEADER_BYTES + 3 + 4 + 256 + 512
"""Offset in a reply to 30 01 at which half of the photo has gone over the line."""


_NO_KEYS: Final[dict[str, Any]] = {}


class Parameter(NamedTuple):
    """What one key of a fault may hold.

    Attributes:
        type: Type in JSON: `integer`, `number` or `string`.
        lowest: Smallest value; None for text.
        highest: Largest value; None for text.
        meaning: For people.
    """

    type: str
    lowest: float | None
    highest: float | None
    meaning: str


PARAMETERS: Final[dict[str, Parameter]] = {
    "at": Parameter("integer", 0, 4095, "offset of a byte in the frame, from 0; chosen by the seed when missing"),
    "count": Parameter("integer", 1, 4096, "number of bytes"),
    "seconds": Parameter("number", 0, 600, "time in seconds"),
    "size": Parameter("integer", 1, 4096, "bytes in one piece"),
    "status": Parameter("integer", 0, 255, "SW3 of the answer"),
    "sw1": Parameter("integer", 0, 255, "SW1 of the answer"),
    "sw2": Parameter("integer", 0, 255, "SW2 of the answer"),
    "data": Parameter("string", None, None, "hexadecimal bytes behind SW3"),
    "zone": Parameter("integer", 0, 2, "zone whose length is wrong: 0 text, 1 photo, 2 fingerprint"),
    "length": Parameter("integer", 0, 65535, "length that the zone header claims"),
    "baud": Parameter("integer", 300, 4_000_000, "speed of the reader's line in baud"),
}
"""Keys that only some faults have, by name. `command`, `skip`, `times`, `chance` and `direction` belong to all."""


@unique
class FaultKind(Enum):
    """What can go wrong.

    A row is: name, what happens, its own keys with their defaults (None: chosen by the seed), how often it strikes
    unless told otherwise (0: always), the commands that it can strike (empty: any), and what prcard's own reader makes
    of it when it strikes once and when it always does: `read` (the card is read all the same) or the stable code of
    the `ReaderError`. A test holds the reader to the last two.

    Attributes:
        meaning: What happens, without a full stop.
        defaults: Its own keys.
        times: How often it strikes unless told otherwise.
        commands: Commands that it can strike; empty for any.
        once: What prcard's reader gives when it strikes once.
        always: What prcard's reader gives when it strikes every time.
    """

    meaning: str
    defaults: dict[str, Any]
    times: int
    commands: frozenset[Command]
    once: str
    always: str

    # fmt: off
    DROP_BYTE = ("drop-byte", "bytes are lost", {"at": None, "count": 1}, 1, (), "read", "reader-garbage")
    ADD_BYTE = ("add-byte", "bytes that nobody sent come in", {"at": None, "count": 1}, 1, (),
                "read", "reader-garbage")
    FLIP_BIT = ("flip-bit", "one bit arrives the wrong way round", {"at": None}, 1, (), "read", "reader-garbage")
    DELAY_BYTE = ("delay-byte", "the line falls silent in the middle of a frame", {"at": None, "seconds": 0.3}, 1, (),
                  "read", "read")
    DUPLICATE_BYTE = ("duplicate-byte", "a byte arrives twice", {"at": None}, 1, (), "read", "reader-garbage")
    WRONG_CHECK = ("wrong-check", "the check byte is wrong", _NO_KEYS, 1, (), "read", "reader-garbage")
    SHORT_FRAME = ("short-frame", "the reply ends too early", {"count": 8}, 1, (), "read", "reader-garbage")
    SPLIT_FRAME = ("split-frame", "the reply comes in pieces", {"size": 7, "seconds": 0.01}, 1, (), "read", "read")
    GARBAGE_BEFORE = ("garbage-before", "noise comes before the preamble", {"count": 20}, 1, (), "read", "read")
    REPLY_LATE = ("reply-late", "the reply comes late", {"seconds": 0.4}, 1, (), "read", "read")
    REPLY_NEVER = ("reply-never", "no reply comes", _NO_KEYS, 1, (), "read", "reader-silent")
    REPLY_TWICE = ("reply-twice", "the reply comes twice", _NO_KEYS, 1, (), "read", "read")
    REPLY_PREVIOUS = ("reply-previous", "the reply to the command before comes once more instead", _NO_KEYS, 1, (),
                      "read", "read")
    STATUS = ("status", "another status is answered", {"status": 0x24, "sw1": 0, "sw2": 0, "data": ""}, 1,
              tuple(CARD_COMMANDS), "reader-refused", "reader-refused")
    SELF_TEST_FAILED = ("self-test-failed", "the SAM's self test fails (60)", _NO_KEYS, ALWAYS, tuple(SAM_COMMANDS),
                        "reader-not-ready", "reader-not-ready")
    NOT_AUTHORISED = ("not-authorised", "the SAM is not authorised (66)", _NO_KEYS, ALWAYS, (Command.SAM_STATUS,),
                      "reader-not-ready", "reader-not-ready")
    CARD_LIFTED = ("card-lifted", "the card is lifted while the reader reads it: 41, and it is gone", _NO_KEYS, 1,
                   tuple(READS), "card-removed", "card-removed")
    CARD_LIFTED_IN_PHOTO = ("card-lifted-in-photo", "the card is lifted and the reply breaks off in the photo",
                            {"at": PHOTO_MIDDLE}, 1, tuple(READS), "card-removed", "card-removed")
    UNPLUGGED = ("unplugged", "the reader is unplugged in the middle of a reply and plugged in again later",
                 {"at": 0, "seconds": 1.0}, 1, (), "reader-lost", "reader-lost")
    ZONE_LENGTH = ("zone-length", "the zone header claims a wrong length", {"zone": 1, "length": 1000}, 1,
                   tuple(READS), "reader-garbage", "reader-garbage")
    BAUD_MISMATCH = ("baud-mismatch", "the reader's line runs at another speed than the host's", {"baud": 9600},
                     ALWAYS, (), "reader-silent", "reader-silent")
    SLOW_RF = ("slow-rf", "the radio side is slow", {"seconds": 0.5}, ALWAYS, tuple(CARD_COMMANDS), "read", "read")
    # fmt: on

    def __new__(
        cls,
        name: str,
        meaning: str,
        defaults: dict[str, Any],
        times: int,
        commands: tuple[Command, ...],
        once: str,
        always: str,
    ) -> Self:
        """Builds one row of the table."""
        kind = object.__new__(cls)
        kind._value_ = name
        kind.meaning, kind.defaults, kind.times = meaning, defaults, times
        kind.commands = frozenset(commands)
        kind.once, kind.always = once, always
        return kind

    @property
    def strikes_requests(self) -> bool:
        """Whether it can also damage what the host sends (`direction = "to-reader"`)."""
        return self in _BYTE_FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, as data.

    Attributes:
        kind: What happens.
        command: Strikes only replies to this command; None: any that the kind can strike.
        skip: Replies to let pass before the first strike.
        times: How often it strikes; 0 is always; None is the kind's own default.
        chance: Probability of each strike, 0–1, decided by the seed.
        to_reader: True damages the request, False the reply.
        values: The kind's own keys; those that are missing have the kind's defaults.
    """

    kind: FaultKind
    command: Command | None = None
    skip: int = 0
    times: int | None = None
    chance: float = 1.0
    to_reader: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise RecordError(*problems, advice=f"Correct the fault {self.kind.value}.")

    def get(self, key: str) -> Any:
        """Gives the value of one of the kind's own keys."""
        return self.values.get(key, self.kind.defaults[key])

    @property
    def limit(self) -> int:
        """How often it strikes; 0 is always."""
        return self.kind.times if self.times is None else self.times

    def hits(self, command: Command | None) -> bool:
        """Whether a reply to `command` (None: a request that was refused) is one that it can strike."""
        if self.command is not None:
            return command is self.command
        return not self.kind.commands or command in self.kind.commands

    @classmethod
    def from_document(cls, document: Mapping[str, Any], path: str = "fault") -> Fault:
        """Reads the form that scenario files have.

        Args:
            document: `kind`, then any of the keys of the kind.
            path: Where it stands, for messages.

        Raises:
            RecordError: names every key that is refused.
        """
        left = dict(document)
        kind = _take_kind(left.pop("kind", None), path)
        general: dict[str, Any] = {}
        problems: list[FieldProblem] = []
        if "command" in left:
            general["command"] = _take_command(left.pop("command"), f"{path}.command", problems)
        if "direction" in left:
            direction = left.pop("direction")
            general["to_reader"] = direction == "to-reader"
            if direction not in {"to-reader", "to-host"}:
                problems.append(FieldProblem(f"{path}.direction", None, '"to-host" or "to-reader"', "another value"))
        general |= {key: left.pop(key) for key in ("skip", "times", "chance") if key in left}
        if not problems:
            try:
                return cls(kind=kind, values=left, **general)
            except RecordError as error:
                problems = [problem._replace(field=f"{path}.{problem.field}") for problem in error.problems]
        raise RecordError(*problems, advice="Correct the keys that are named.")

    def to_document(self) -> dict[str, Any]:
        """Gives the form that `from_document` reads, with what differs from the defaults only."""
        document: dict[str, Any] = {"kind": self.kind.value}
        if self.command is not None:
            document["command"] = self.command.name
        if self.skip:
            document["skip"] = self.skip
        if self.times is not None:
            document["times"] = self.times
        if self.chance != 1.0:
            document["chance"] = self.chance
        if self.to_reader:
            document["direction"] = "to-reader"
        return document | dict(self.values)


def parse_fault(text: str) -> Fault:
    """Reads the form that people type: a kind, then KEY=VALUE.

    Raises:
        RecordError: names the key that is refused.

    >>> parse_fault("status command=FIND_CARD status=0x41 times=2").to_document()
    {'kind': 'status', 'command': 'FIND_CARD', 'times': 2, 'status': 65}
    """
    kind, *pairs = text.split()
    document: dict[str, Any] = {"kind": kind}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise RecordError(FieldProblem("fault", None, "KEY=VALUE", repr(pair[:40])), advice="Write KEY=VALUE.")
        document[key] = _typed(key, value)
    return Fault.from_document(document)


def _typed(key: str, value: str) -> Any:
    kind = (
        PARAMETERS[key].type
        if key in PARAMETERS
        else {"skip": "integer", "times": "integer", "chance": "number"}.get(key)
    )
    try:
        if kind == "integer":
            return int(value, 0)
        if kind == "number":
            return float(value)
    except ValueError:
        return value
    return value


def _take_kind(value: object, path: str) -> FaultKind:
    for kind in FaultKind:
        if kind.value == value:
            return kind
    known = ", ".join(kind.value for kind in FaultKind)
    found = "nothing" if value is None else repr(str(value)[:40])
    raise RecordError(FieldProblem(f"{path}.kind", None, f"one of {known}", found), advice="Choose one of these.")


def _take_command(value: object, path: str, problems: list[FieldProblem]) -> Command | None:
    if isinstance(value, str) and value in Command.__members__:
        return Command[value]
    known = ", ".join(Command.__members__)
    problems.append(FieldProblem(path, None, f"one of {known}", repr(str(value)[:40])))
    return None


def _problems(fault: Fault) -> list[FieldProblem]:
    found = []
    kind = fault.kind
    if fault.command is not None and kind.commands and fault.command not in kind.commands:
        names = ", ".join(sorted(command.name for command in kind.commands))
        found.append(FieldProblem("command", None, f"one that {kind.value} can strike: {names}", fault.command.name))
    if fault.to_reader and not kind.strikes_requests:
        names = ", ".join(kind.value for kind in FaultKind if kind.strikes_requests)
        found.append(FieldProblem("direction", None, f'"to-host" for every fault but {names}', '"to-reader"'))
    limits = {"skip": (fault.skip, "integer", 0, 1_000_000), "chance": (fault.chance, "number", 0, 1)}
    if fault.times is not None:
        limits["times"] = (fault.times, "integer", 0, 1_000_000)
    for key, (value, type_, lowest, highest) in limits.items():
        found += _judge_value(key, value, Parameter(type_, lowest, highest, ""))
    for key, value in fault.values.items():
        if key not in kind.defaults:
            known = ", ".join((*kind.defaults, "command", "skip", "times", "chance", "direction"))
            found.append(FieldProblem(str(key)[:40], None, f"one of the keys of {kind.value}: {known}", "another key"))
        else:
            found += _judge_value(key, value, PARAMETERS[key])
    return found


def _judge_value(key: str, value: object, parameter: Parameter) -> list[FieldProblem]:
    if parameter.lowest is None or parameter.highest is None:
        try:
            good = isinstance(value, str) and len(bytes.fromhex(value)) <= 2310
        except ValueError:
            good = False
        return [] if good else [FieldProblem(key, None, "hexadecimal digits of at most 2310 bytes", "another value")]
    whole = parameter.type == "integer"
    right_type = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if right_type and parameter.lowest <= value <= parameter.highest:  # type: ignore[operator]  # a number, just judged
        return []
    expected = f"{'a whole number' if whole else 'a number'} from {parameter.lowest:g} to {parameter.highest:g}"
    return [FieldProblem(key, None, expected, f"{value!r}"[:40])]


class Controls(Protocol):
    """What a fault can do to a virtual reader beside its replies."""

    def remove(self) -> None:
        """Lifts the card."""

    def unplug(self, seconds: float | None = None) -> None:
        """Pulls the reader off; it is back after so many seconds, or when it is plugged in again."""


class Struck(NamedTuple):
    """A fault that strikes one reply, with the randomness of that strike."""

    fault: Fault
    source: Random


class _Armed:
    """One armed fault and how often it passed and struck."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self.source = Random(seed)  # noqa: S311  # repeatable on purpose
        self.passed = 0
        self.struck = 0

    def strike(self) -> bool:
        if self.spent:
            return False
        self.passed += 1
        if self.passed <= self.fault.skip or self.source.random() >= self.fault.chance:
            return False
        self.struck += 1
        return True

    @property
    def spent(self) -> bool:
        return bool(self.fault.limit) and self.struck >= self.fault.limit


class Faults:
    """The faults that are armed on one virtual reader; every method may be called from any thread.

    The same seed, faults and requests give the same strikes at the same bytes.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._count = 0

    def arm(self, *faults: Fault) -> None:
        """Adds faults behind those that are armed."""
        with self._lock:
            for fault in faults:
                self._armed.append(_Armed(fault, f"{self._seed}/{self._count}"))
                self._count += 1

    def clear(self) -> None:
        """Disarms all; the next ones begin anew as after the start."""
        with self._lock:
            self._armed.clear()
            self._count = 0

    def reseed(self, seed: int) -> None:
        """Disarms all and begins anew with another seed."""
        self.clear()
        self._seed = seed

    def status(self) -> list[dict[str, Any]]:
        """Tells what is armed and how often it struck, JSON-ready."""
        with self._lock:
            return [armed.fault.to_document() | {"struck": armed.struck} for armed in self._armed]

    def strike(self, command: Command | None) -> list[Struck]:
        """Decides which faults strike the reply to a command; None for a request that is refused."""
        with self._lock:
            return [
                Struck(armed.fault, armed.source)
                for armed in self._armed
                if not armed.fault.to_reader and armed.fault.hits(command) and armed.strike()
            ]

    def damage_request(self, data: bytes) -> bytes:
        """Damages what came from a host, where a fault says so."""
        with self._lock:
            for armed in self._armed if data else ():
                wanted = armed.fault.command
                if not armed.fault.to_reader or (wanted is not None and wanted.value not in data):
                    continue
                if armed.strike():
                    data = _BYTE_FAULTS[armed.fault.kind](data, armed.fault, armed.source)
        return data


def answer_instead(struck: Sequence[Struck], controls: Controls) -> tuple[int, int, int, bytes] | None:
    """Gives SW1, SW2, SW3 and data of the answer that a fault puts in the place of the true one; None: the true one."""
    for fault, _ in struck:
        match fault.kind:
            case FaultKind.STATUS:
                return fault.get("sw1"), fault.get("sw2"), fault.get("status"), bytes.fromhex(fault.get("data"))
            case FaultKind.SELF_TEST_FAILED:
                return 0, 0, 0x60, b""
            case FaultKind.NOT_AUTHORISED:
                return 0, 0, 0x66, b""
            case FaultKind.CARD_LIFTED:
                controls.remove()
                return 0, 0, 0x41, b""
    return None


def damage_frame(frame: bytes, struck: Sequence[Struck], previous: bytes, controls: Controls) -> list[Piece]:
    """Damages a reply and cuts it into the pieces in which it goes over the line.

    Args:
        frame: The reply as it would go out.
        struck: The faults that strike it.
        previous: The reply before this one on the same line; b"" when there was none.
        controls: The reader, for faults that lift the card or pull the plug.
    """
    for fault, source in struck:
        if fault.kind is FaultKind.REPLY_PREVIOUS:
            frame = previous or frame
        elif fault.kind in _FRAME_FAULTS:
            frame = _FRAME_FAULTS[fault.kind](frame, fault, source)
    for fault, source in struck:
        if fault.kind in _BYTE_FAULTS:
            frame = _BYTE_FAULTS[fault.kind](frame, fault, source)
    pieces = [Piece(frame)]
    for fault, source in struck:
        if fault.kind in _PIECE_FAULTS:
            pieces = _PIECE_FAULTS[fault.kind](pieces, fault, source, controls)
    return pieces


def _place(frame: bytes, fault: Fault, source: Random) -> int:
    """The byte that is struck: the one asked for, or one chosen by the seed; always within the frame."""
    at = fault.get("at")
    last = max(len(frame) - 1, 0)
    return source.randint(0, last) if at is None else min(at, last)


def _drop(frame: bytes, fault: Fault, source: Random) -> bytes:
    at = _place(frame, fault, source)
    return frame[:at] + frame[at + fault.get("count") :]


def _add(frame: bytes, fault: Fault, source: Random) -> bytes:
    at = _place(frame, fault, source)
    return frame[:at] + source.randbytes(fault.get("count")) + frame[at:]


def _flip(frame: bytes, fault: Fault, source: Random) -> bytes:
    at = _place(frame, fault, source)
    return frame[:at] + bytes((frame[at] ^ 1 << source.randrange(8),)) + frame[at + 1 :]


def _duplicate(frame: bytes, fault: Fault, source: Random) -> bytes:
    at = _place(frame, fault, source)
    return frame[: at + 1] + frame[at : at + 1] + frame[at + 1 :]


def _wrong_check(frame: bytes, fault: Fault, source: Random) -> bytes:  # noqa: ARG001  # the signature of the table
    return frame[:-1] + bytes((frame[-1] ^ source.randint(1, 255),))


def _short(frame: bytes, fault: Fault, source: Random) -> bytes:  # noqa: ARG001  # the signature of the table
    return frame[: min(fault.get("count"), len(frame) - 1)]


def _garbage(frame: bytes, fault: Fault, source: Random) -> bytes:
    return source.randbytes(fault.get("count")) + frame


def _zone_length(frame: bytes, fault: Fault, source: Random) -> bytes:  # noqa: ARG001  # the signature of the table
    body = bytearray(Frame.parse(frame).body)
    at = 3 + 2 * fault.get("zone")
    if len(body) < 3 + 6:
        return frame
    body[at : at + 2] = fault.get("length").to_bytes(2, "big")
    return Frame(body=bytes(body)).serialize()


def _cut(pieces: list[Piece], at: int) -> tuple[bytes, bytes]:
    whole = b"".join(piece.data for piece in pieces)
    return whole[:at], whole[at:]


def _delay_byte(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    head, tail = _cut(pieces, _place(pieces[0].data, fault, source))
    return [Piece(head, pieces[0].wait_s), Piece(tail, fault.get("seconds"))]


def _split(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    whole, size = _cut(pieces, 4096)[0], fault.get("size")
    cut = [Piece(whole[at : at + size], fault.get("seconds")) for at in range(0, len(whole), size)]
    return [cut[0]._replace(wait_s=pieces[0].wait_s), *cut[1:]] if cut else pieces


def _late(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    return [pieces[0]._replace(wait_s=pieces[0].wait_s + fault.get("seconds")), *pieces[1:]]


def _never(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    return []


def _twice(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    return [*pieces, *pieces]


def _lifted_in_photo(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    controls.remove()
    return [Piece(_cut(pieces, fault.get("at"))[0], pieces[0].wait_s)]


def _unplugged(pieces: list[Piece], fault: Fault, source: Random, controls: Controls) -> list[Piece]:  # noqa: ARG001
    seconds = fault.get("seconds")
    head = _cut(pieces, fault.get("at"))[0]
    return [Piece(head, pieces[0].wait_s, then=lambda: controls.unplug(seconds))]


_FRAME_FAULTS: Final[dict[FaultKind, Callable[[bytes, Fault, Random], bytes]]] = {
    FaultKind.ZONE_LENGTH: _zone_length,
}
_BYTE_FAULTS: Final[dict[FaultKind, Callable[[bytes, Fault, Random], bytes]]] = {
    FaultKind.DROP_BYTE: _drop,
    FaultKind.ADD_BYTE: _add,
    FaultKind.FLIP_BIT: _flip,
    FaultKind.DUPLICATE_BYTE: _duplicate,
    FaultKind.WRONG_CHECK: _wrong_check,
    FaultKind.SHORT_FRAME: _short,
    FaultKind.GARBAGE_BEFORE: _garbage,
}
_PIECE_FAULTS: Final[dict[FaultKind, Callable[[list[Piece], Fault, Random, Controls], list[Piece]]]] = {
    FaultKind.DELAY_BYTE: _delay_byte,
    FaultKind.SPLIT_FRAME: _split,
    FaultKind.REPLY_LATE: _late,
    FaultKind.SLOW_RF: _late,
    FaultKind.REPLY_TWICE: _twice,
    FaultKind.CARD_LIFTED_IN_PHOTO: _lifted_in_photo,
    FaultKind.UNPLUGGED: _unplugged,
    FaultKind.REPLY_NEVER: _never,
}
