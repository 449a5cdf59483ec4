"""The control socket of a served virtual reader: lay a card down, lift it, ask what is there.

One request per line, one JSON document per line in reply. The socket lies in a folder that only its owner may enter.

    insert NAME     lay this specimen down (lifts the one that lies there)
    next            lay the next waiting card down
    remove          lift the card
    status          what lies on the reader
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import PRCardError
from prcard.simulator.specimens import specimen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prcard.record.raw import RawCard
    from prcard.simulator.device import VirtualReader

__all__ = ["MAX_LINE_BYTES", "Control"]

MAX_LINE_BYTES: Final = 4096
IDLE_S: Final = 60.0
"""A connection that says nothing for so many seconds is closed."""


class Control:
    """Serves the control socket in a thread; `path` tells where. Close it when done."""

    def __init__(self, reader: VirtualReader, waiting: Sequence[tuple[str, RawCard]] = ()) -> None:
        """Opens the socket at once; `waiting` are the cards that `next` lays down, in turn."""
        self._reader = reader
        self._waiting = deque(waiting)
        self._folder = tempfile.mkdtemp(prefix="prcard-")
        self.path = str(Path(self._folder) / "control")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(self.path)
        os.chmod(self.path, 0o600)  # noqa: PTH101  # a socket, not a file
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, name="prcard-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops serving and removes the socket."""
        # shutdown wakes the accept of the other thread, which close alone does not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                line.settimeout(IDLE_S)
                self._converse(line)

    def _converse(self, line: socket.socket) -> None:
        with line.makefile("rb") as requests:
            while request := requests.readline(MAX_LINE_BYTES):
                line.sendall(json.dumps(self._answer(request), ensure_ascii=False).encode() + b"\n")

    def _answer(self, request: bytes) -> dict[str, Any]:
        verb, _, argument = request.decode("utf-8", "replace").strip().partition(" ")
        try:
            if verb == "insert":
                self._reader.insert(specimen(argument.strip()).card(), argument.strip())
            elif verb == "next" and self._waiting:
                name, card = self._waiting.popleft()
                self._reader.insert(card, name)
            elif verb == "remove":
                self._reader.remove()
            elif verb != "status":
                return {
                    "ok": False,
                    "error": f"{verb[:40]!r}: expected insert NAME, next (while cards wait), remove or status",
                }
        except PRCardError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, **self._reader.status()}
