"""A pcscd of one's own with virtual readers, for any user: the real PC/SC stack without hardware.

Needs pcscd and the driver of vsmartcard-vpcd, on Linux. The socket is private (mode 0600, in a folder of its own);
other programs reach it when `PCSCLITE_CSOCK_NAME` names it. The driver listens on every address of the machine for its
virtual cards; therefore it runs in a network namespace of its own wherever the system lets this user make one.
`isolated` tells whether it did: where not, other machines may lay a card on the virtual reader, and only a firewall
keeps them off.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from prcard.errors import ReaderError, ReaderFault

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["FRIENDLY_NAME", "SLOTS_PER_DRIVER", "PrivatePCSCD", "missing_parts", "reader_name"]

FRIENDLY_NAME: Final = "prcard virtual reader"
"""What every name begins with."""

SLOTS_PER_DRIVER: Final = 2
"""Compiled into vpcd; more slots need copies of the driver file. Source: observed."""

MAX_SLOTS: Final = 16
START_S: Final = 10.0

_PROGRAMS: Final = ("/usr/sbin/pcscd", "/usr/local/sbin/pcscd", "/sbin/pcscd")
_DRIVERS: Final = ("/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so")


def reader_name(slot: int) -> str:
    """Gives the name by which PC/SC programs see a slot.

    Each copy of the driver has a friendly name of its own, because pcscd numbers the readers of each from 00 00.

    >>> reader_name(0), reader_name(3)
    ('prcard virtual reader 00 00', 'prcard virtual reader 2 00 01')
    """
    driver, place = divmod(slot, SLOTS_PER_DRIVER)
    return f"{_friendly_name(driver)} 00 {place:02X}"


def _friendly_name(driver: int) -> str:
    return f"{FRIENDLY_NAME} {driver + 1}" if driver else FRIENDLY_NAME


def missing_parts() -> list[str]:
    """Names the Debian packages that are missing, in the order to install them; [] when all is there."""
    return [name for name, found in (("pcscd", _program()), ("vsmartcard-vpcd", _driver())) if found is None]


def _program() -> str | None:
    return shutil.which("pcscd") or next((path for path in _PROGRAMS if Path(path).exists()), None)


def _driver() -> str | None:
    return next((path for path in _DRIVERS if Path(path).exists()), None)


class PrivatePCSCD:
    """One pcscd with `slots` virtual readers; a context manager that ends it.

    Args:
        slots: How many readers, 1–16; there are always two for each copy of the driver.
        namespace: False keeps it out of a network namespace even where one can be made.

    Attributes:
        socket_path: What to put into `PCSCLITE_CSOCK_NAME`; valid once started.
        isolated: True when no other machine can reach the virtual readers.
    """

    def __init__(self, *, slots: int = 1, namespace: bool = True) -> None:
        if not 1 <= slots <= MAX_SLOTS:
            raise ReaderError(
                ReaderFault.BAD_URI, f"PC/SC has 1-{MAX_SLOTS} slots here, not {slots}.", "Ask for fewer."
            )
        self.socket_path = ""
        self.isolated = False
        self._drivers = (slots + SLOTS_PER_DRIVER - 1) // SLOTS_PER_DRIVER
        self._namespace = namespace
        self._ports: list[int] = []
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        # Slots connect from threads of their own; question and answer must stay together.
        self._talking = threading.Lock()

    @property
    def slots(self) -> int:
        """How many readers pcscd shows."""
        return self._drivers * SLOTS_PER_DRIVER

    def start(self) -> PrivatePCSCD:
        """Starts pcscd; clients may connect when this returns.

        Raises:
            ReaderError: `NOT_FOUND` when a part is missing, with the packages to install, or when pcscd does not start.
        """
        program, driver = _program(), _driver()
        if program is None or driver is None:
            names = " ".join(missing_parts())
            raise ReaderError(
                ReaderFault.NOT_FOUND,
                f"The virtual PC/SC reader needs {names.replace(' ', ' and ')}, not found on this machine.",
                f"Install with: apt-get install --no-install-recommends {names}",
            )
        self._folder = Path(tempfile.mkdtemp(prefix="prcard-pcsc-"))
        self.socket_path = str(self._folder / "pcscd.comm")
        try:
            self._launch(program, driver)
        except BaseException:
            self.stop()
            raise
        return self

    def _launch(self, program: str, driver: str) -> None:
        ours, theirs = socket.socketpair()
        self._control = ours
        self._write_configuration(driver)
        command = [sys.executable, "-m", "prcard.simulator.pcscd_child"]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module, and a path that we found ourselves
                [*command, str(theirs.fileno()), str(self._folder), program, "own" if self._namespace else "none"],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Its own session: Ctrl-C of the terminal is for us, and we end it.
                start_new_session=True,
            )
        ours.settimeout(START_S)
        self.isolated = self._answer() == b"i"
        self._await_ports()

    def _write_configuration(self, driver: str) -> None:
        folder = self._folder / "reader.conf.d"
        folder.mkdir()
        entries = []
        for number in range(self._drivers):
            # Each entry needs a driver file of its own: two of one file share its static tables, and all hang.
            copy = self._folder / f"libifdvpcd-{number}.so"
            shutil.copyfile(driver, copy)
            copy.chmod(0o700)
            # Free ones even where a namespace is asked for: it may turn out that none can be made.
            port = _free_port_pair()
            self._ports += [port, port + 1]
            entries.append(
                f'FRIENDLYNAME "{_friendly_name(number)}"\nDEVICENAME /dev/null:0x{port:04X}\n'
                f"LIBPATH {copy}\nCHANNELID 0x{port:X}\n"
            )
        (folder / "prcard").write_text("\n".join(entries), encoding="ascii")

    def _await_ports(self) -> None:
        """Waits until the driver listens: only then is there a reader for clients to see."""
        deadline = time.monotonic() + START_S
        while not set(self._ports) <= self._listening():
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                log = self._folder / "pcscd.log"
                said = log.read_text("utf-8", "replace").strip().splitlines()[-1:] if log.exists() else []
                raise ReaderError(
                    ReaderFault.NOT_FOUND,
                    f"pcscd does not start; it says: {said[0] if said else 'nothing'}",
                    "Look at what else runs on this machine with: prcard doctor",
                )
            time.sleep(0.005)

    def _listening(self) -> set[int]:
        """Ports that somebody listens on, as the keeper's network namespace sees them.

        Connecting would tell as well, but vpcd would take the connection for a card.
        """
        pid = self._process.pid if self._process else "self"
        try:
            rows = Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]
        except OSError:
            return set()
        return {int(row.split()[1].rpartition(":")[2], 16) for row in rows if row.split()[3] == "0A"}

    def connect(self, slot: int) -> socket.socket:
        """Connects a virtual card to a slot; closing the socket takes the card out.

        Args:
            slot: Number of the reader, from 0.

        Raises:
            OSError: pcscd does not listen now.
        """
        with self._talking:
            control = self._control
            if control is None:
                raise ConnectionError("pcscd is not running")
            control.sendall(b"c")
            _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            raise ConnectionError("pcscd is not running")
        line = socket.socket(fileno=descriptors[0])
        try:
            line.settimeout(START_S)
            line.connect(("127.0.0.1", self._ports[slot]))
        except OSError:
            line.close()
            raise
        line.settimeout(None)
        return line

    def kill(self) -> None:
        """Kills pcscd as a crash would (SIGKILL); `restart` brings a new one."""
        self._ask(b"k")

    def restart(self) -> None:
        """Kills pcscd if it still runs and starts a new one on the same path."""
        self._ask(b"r")
        self._await_ports()

    def stop(self) -> None:
        """Ends pcscd and removes its folder; a second call does nothing."""
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ask(self, request: bytes) -> None:
        with self._talking:
            with contextlib.suppress(OSError):
                if self._control is not None:
                    self._control.sendall(request)
            self._answer()

    def _answer(self) -> bytes:
        control = self._control
        answer = b""
        with contextlib.suppress(OSError):
            answer = control.recv(1) if control else b""
        if not answer:
            raise ReaderError(
                ReaderFault.NOT_FOUND, "The keeper of the private pcscd has ended.", "Start the virtual reader again."
            )
        return answer


def _free_port_pair() -> int:
    """Finds two neighbouring ports that nobody listens on; somebody may still come first."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port
