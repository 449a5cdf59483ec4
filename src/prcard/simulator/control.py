"""The control socket of a served virtual reader: lay cards down, lift them, let things go wrong, ask what happened.

One request per line, one JSON document per line in reply. The socket lies in a folder that only its owner may enter,
unless another address was asked for. `VERBS` is the list of requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.errors import FieldProblem, PRCardError, ReaderError, ReaderFault, RecordError
from prcard.reader.network import split_address
from prcard.simulator.cards import load_card
from prcard.simulator.faults import parse_fault
from prcard.wire.codes import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prcard.record.raw import RawCard
    from prcard.simulator.device import VirtualReader

__all__ = ["MAX_CONNECTIONS", "MAX_LINE_BYTES", "VERBS", "Control", "Verb", "control_reference", "found_controls"]

MAX_LINE_BYTES: Final = 4096
MAX_CONNECTIONS: Final = 16
"""Programs that may be connected at once; a further one is told so and let go."""
IDLE_S: Final = 600.0
"""A connection that says nothing for so many seconds is closed."""
EXPECT_S: Final = 10.0
"""Longest wait of `expect` unless told otherwise."""
SLICE_S: Final = 0.2
FOLDER_PREFIX: Final = "prcard-"
SOCKET_NAME: Final = "control"


class Verb(NamedTuple):
    """One request that the control socket takes.

    Attributes:
        arguments: How they are written.
        meaning: What it does.
    """

    arguments: str
    meaning: str


VERBS: Final[dict[str, Verb]] = {
    "insert": Verb("CARD", "lay a card down, lifting the one that lies there; a specimen's name, or a capture's file"),
    "next": Verb("", "lay the next waiting card down"),
    "remove": Verb("", "lift the card"),
    "fault": Verb("KIND [KEY=VALUE…] | clear", "arm a fault, or disarm all"),
    "speed": Verb("fast | real | BAUD", "answer as fast as possible, in a real reader's time, or at a line speed"),
    "unplug": Verb("[SECONDS]", "pull the reader off its hosts, for so long or until `plug`"),
    "plug": Verb("", "plug it in again"),
    "seed": Verb("NUMBER", "disarm all faults and begin their chance anew"),
    "expect": Verb("COMMAND [SECONDS]", "wait until a host has asked for this command, since the last `expect`"),
    "status": Verb("", "tell what lies there, what is armed, what was asked"),
}
"""Every request, in the order in which it is listed."""


class Control:
    """Serves the control socket in threads; `path` tells where. Close it when done.

    Args:
        reader: The virtual reader to drive.
        waiting: The cards that `next` lays down, in turn.
        address: Where to listen: a path for a socket that does not exist yet, or `tcp:HOST:PORT` for languages without
            local sockets; None for a socket in a folder of its own.
        further: Gives what `status` tells beside the reader's own state.

    Raises:
        ReaderError: `BUSY` when the address cannot be used.
    """

    def __init__(
        self,
        reader: VirtualReader,
        waiting: Sequence[tuple[str, RawCard]] = (),
        *,
        address: str | None = None,
        further: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._reader = reader
        self._waiting = deque(waiting)
        self._further = further
        self._folder: str | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self.path = self._listen(address)
        self._thread = threading.Thread(target=self._serve, name="prcard-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops serving, lets everybody go and removes the socket."""
        self._closed = True
        # shutdown wakes the accept of the other thread, which close alone does not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        with self._lock:
            for line in self._connections:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        elif not self.path.startswith("tcp:"):
            Path(self.path).unlink(missing_ok=True)

    def _listen(self, address: str | None) -> str:
        try:
            if address is not None and address.startswith("tcp:"):
                host, port = split_address("tcp", address.removeprefix("tcp:"), lowest_port=0)
                self._socket = socket.create_server((host, port))
                return f"tcp:{host}:{self._socket.getsockname()[1]}"
            if address is None:
                self._folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX)
            path = address or str(Path(self._folder or "") / SOCKET_NAME)
            self._socket = _local_socket(path)
        except OSError as error:
            raise ReaderError(
                ReaderFault.BUSY, f"Cannot listen for control on {address}.", "Choose another path or port."
            ) from error
        return path

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if len(self._threads) >= MAX_CONNECTIONS:
                with line, contextlib.suppress(OSError):
                    line.sendall(_document({"ok": False, "error": f"at most {MAX_CONNECTIONS} may be connected"}))
                continue
            thread = threading.Thread(target=self._converse, args=(line,), name="prcard-control-line", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _converse(self, line: socket.socket) -> None:
        with self._lock:
            self._connections.add(line)
        seen = _Seen(self._reader.requests)
        with line, contextlib.suppress(OSError):
            line.settimeout(IDLE_S)
            with line.makefile("rb") as requests:
                while not self._closed and (request := requests.readline(MAX_LINE_BYTES)):
                    line.sendall(_document(self._answer(request, seen)))
        with self._lock:
            self._connections.discard(line)

    def _answer(self, request: bytes, seen: _Seen) -> dict[str, Any]:
        verb, _, argument = request.decode("utf-8", "replace").strip().partition(" ")
        known = VERBS.get(verb)
        if known is None or (argument and not known.arguments) or (verb == "next" and not self._waiting):
            usual = ", ".join(f"{name} {entry.arguments}".strip() for name, entry in VERBS.items())
            found = (
                "no card waits"
                if verb == "next" and not argument
                else repr(request[:40].decode("utf-8", "replace").strip())
            )
            return {"ok": False, "error": f"{found}: expected one of: {usual}"}
        try:
            told = self._carry_out(verb, argument.strip(), seen)
        except PRCardError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, **self._reader.status(), **told}

    def _carry_out(self, verb: str, argument: str, seen: _Seen) -> dict[str, Any]:
        reader = self._reader
        match verb:
            case "insert":
                reader.insert(load_card(argument), argument)
            case "next":
                name, card = self._waiting.popleft()
                reader.insert(card, name)
            case "remove":
                reader.remove()
            case "expect":
                return self._expect(argument, seen)
            case "status":
                return self._told()
            case _:
                self._change(verb, argument)
        return {}

    def _change(self, verb: str, argument: str) -> None:
        """Carries out what changes the reader, not the card."""
        reader = self._reader
        match verb:
            case "fault" if argument == "clear":
                reader.clear_faults()
            case "fault":
                reader.inject(parse_fault(argument or "nothing"))
            case "speed":
                reader.set_speed(argument)
            case "unplug":
                reader.unplug(_number("seconds", argument) if argument else None)
            case "seed":
                reader.faults.reseed(int(_number("seed", argument)))
            case _:
                reader.plug()

    def _expect(self, argument: str, seen: _Seen) -> dict[str, Any]:
        name, _, seconds = argument.partition(" ")
        if name not in Command.__members__:
            known = ", ".join(Command.__members__)
            raise RecordError(FieldProblem("command", None, f"one of {known}", repr(name[:40])))
        wait_s = _number("seconds", seconds) if seconds else EXPECT_S
        end = time.monotonic() + wait_s
        heard = None
        # In slices, so that `close` need not wait for a request that never comes.
        while heard is None and (left := end - time.monotonic()) > 0 and not self._closed:
            heard = self._reader.wait_for(Command[name], min(left, SLICE_S), seen.number)
        if heard is None:
            raise RecordError(FieldProblem(name, None, f"a request within {wait_s:g} s", "none"))
        seen.number = heard.number
        return {"request": heard.number, "answered": heard.status}

    def _told(self) -> dict[str, Any]:
        reader = self._reader
        return {
            "plugged": reader.plugged,
            "baud": reader.baud,
            "fidelity": reader.fidelity.name,
            "faults": reader.faults.status(),
            "requests": reader.requests,
            "waiting": [name for name, _ in self._waiting],
            **self._further(),
        }


def _local_socket(path: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.bind(path)
        os.chmod(path, 0o600)  # noqa: PTH101  # a socket, not a file
        line.listen()
    except OSError:
        line.close()
        raise
    return line


class _Seen:
    """The last request that a connection has seen by `expect`."""

    def __init__(self, number: int) -> None:
        self.number = number


def found_controls() -> list[str]:
    """Lists the control sockets of this user's simulators that lie in folders of their own and answer."""
    found = []
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*")):
        path = folder / SOCKET_NAME
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(1.0)
            line.connect(str(path))
            found.append(str(path))
    return found


def control_reference() -> str:
    """Gives the reference page of the control socket as Markdown."""
    lines = [
        "<!-- GENERATED by make generate from prcard.simulator.control; do not edit. -->",
        "# The control socket",
        "",
        "`prcard simulate` prints where it lies. One request per line, one JSON document per line in reply:",
        '`{"ok": true, "card": "alice", "state": "PRESENT"}`, with more for `status` and `expect`, or',
        '`{"ok": false, "error": "…"}`. `prcard simulate ctl` sends one request and prints the reply.',
        "",
        "| request | does |",
        "|---|---|",
    ]
    for name, verb in VERBS.items():
        shown = f"{name} {verb.arguments}".strip().replace("|", "\\|")
        lines.append(f"| `{shown}` | {verb.meaning} |")
    lines += [
        "",
        f"At most {MAX_CONNECTIONS} programs may be connected; one that is silent for {IDLE_S:g} s is let go.",
    ]
    return "\n".join(lines) + "\n"


def _document(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode() + b"\n"


def _number(field: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1_000_000:
        raise RecordError(FieldProblem(field, None, "a number from 0 to 1000000", repr(text[:40])))
    return number
