"""What keeps this machine from its readers: each finding with its cause and its fix.

Nothing is changed, no port is opened, no card is read; a card on a PC/SC reader is asked for its kind only. Findings
hold no serial numbers, user names or card data, so that they can be pasted into a report.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.wire.usb_pipes import KNOWN_READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Finding", "Level", "Machine", "diagnose"]

CCID_CLASS: Final = "0b"
"""USB interface class of PC/SC readers. Source: USB device class codes, smart card."""

SOCKET: Final = "/run/pcscd/pcscd.comm"
IDENTIFY_S: Final = 1.0
MAX_PROCESSES: Final = 4096


@unique
class Level(Enum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: Stable name for programs.
        level: How much it matters.
        what: What is so, one sentence.
        cause: Why, one sentence; "" when all is well.
        fix: What to do, a command where there is one; "" when all is well.
    """

    code: str
    level: Level
    what: str
    cause: str = ""
    fix: str = ""


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def _pcsc_readers() -> list[str]:
    from prcard.reader.pcsc import reader_names

    return reader_names()


def _serial_ports() -> list[str]:
    from prcard.reader.serial import attached

    return [uri.removeprefix("serial:") for uri, _ in attached()]


def _card_kind(name: str) -> str:
    from prcard.reader.pcsc import PCSCReader

    return PCSCReader(name).identify(IDENTIFY_S).kind.value


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a diagnosis looks; a test gives it another machine.

    Attributes:
        root: Root of the file system.
        environment: Environment variables.
        platform: As `sys.platform`.
        installed: Tells whether a Python package is there.
        pcsc_readers: Lists the PC/SC readers; raises ReaderError.
        serial_ports: Lists device names of serial ports.
        card_kind: Names the kind of the card on a PC/SC reader; raises ReaderError.
        may_use: Tells whether this user may read and write a path.
    """

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    platform: str = sys.platform
    installed: Callable[[str], bool] = _installed
    pcsc_readers: Callable[[], list[str]] = _pcsc_readers
    serial_ports: Callable[[], list[str]] = _serial_ports
    card_kind: Callable[[str], str] = _card_kind
    may_use: Callable[[Path], bool] = lambda path: os.access(path, os.R_OK | os.W_OK)

    def path(self, name: str) -> Path:
        """Gives a path below the root."""
        return self.root / name.lstrip("/")

    def in_container(self) -> bool:
        """Tells whether this is a container, as far as can be seen."""
        marks = ("/.dockerenv", "/run/.containerenv")
        return "container" in self.environment or any(self.path(mark).exists() for mark in marks)


def diagnose(machine: Machine | None = None) -> list[Finding]:
    """Looks at everything that readers need.

    Returns:
        Findings in the order in which to mend them; those that are well too.
    """
    there = machine or Machine()
    return [*_packages(there), *_pcsc(there), *_remote(there), *_usb(there), *_serial(there)]


def _packages(machine: Machine) -> Iterator[Finding]:
    for package, extra, what in (("serial", "serial", "Serial"), ("smartcard", "pcsc", "PC/SC"), ("usb", "usb", "USB")):
        if machine.installed(package):
            yield Finding(code=f"{extra}-installed", level=Level.OK, what=f"Support for {what} readers is installed.")
        else:
            yield Finding(
                code=f"{extra}-not-installed",
                level=Level.NOTE,
                what=f"{what} readers cannot be used.",
                cause=f"The Python package for them ({package}) is not installed.",
                fix=f"pip install 'prcard[{extra}]'",
            )


def _pcsc(machine: Machine) -> Iterator[Finding]:
    if not machine.installed("smartcard"):
        return
    try:
        names = machine.pcsc_readers()
    except ReaderError as error:
        yield _service(machine, error)
        return
    yield Finding(code="pcsc-service", level=Level.OK, what="The PC/SC service answers.")
    if not names:
        yield _no_reader(machine)
    for name in names:
        yield _reader(machine, name)


def _reader(machine: Machine, name: str) -> Finding:
    if "windows hello" in name.lower():
        return Finding(
            code="pcsc-reader-of-the-system",
            level=Level.NOTE,
            what=f"{name} is a reader of the operating system, in which no card lies.",
            cause="Windows shows it to programs like any other reader.",
            fix="It is left out unless named in full; nothing needs to be done.",
        )
    try:
        return Finding(
            code="pcsc-card", level=Level.OK, what=f"{name} is there; on it lies: {machine.card_kind(name)}."
        )
    except ReaderError as error:
        if error.fault is ReaderFault.NO_CARD:
            return Finding(code="pcsc-reader", level=Level.OK, what=f"{name} is there, without a card.")
        return Finding(
            code="pcsc-reader-fails",
            level=Level.PROBLEM,
            what=f"{name} is there, but its card cannot be asked.",
            cause=str(error).removesuffix(error.advice).strip(),
            fix=error.advice,
        )


def _service(machine: Machine, error: ReaderError) -> Finding:
    """Says why the PC/SC service does not answer."""
    named = machine.environment.get("PCSCLITE_CSOCK_NAME")
    socket = Path(named) if named else machine.path(SOCKET)
    has_pcscd = any(machine.path(f"{place}/pcscd").exists() for place in _PLACES)
    if error.fault is ReaderFault.MISSING_EXTRA:
        code, cause, fix = "pcsc-library-missing", "The system's PC/SC library is not installed.", error.advice
    elif named and not socket.exists():
        code = "pcsc-socket-named-elsewhere"
        cause = "PCSCLITE_CSOCK_NAME names a socket that does not exist."
        fix = "Unset it for the machine's own service, or start the virtual reader that it belonged to."
    elif not socket.exists() and not has_pcscd and machine.in_container():
        code = "pcsc-container-without-socket"
        cause = "This is a container, and the socket of the machine's pcscd was not brought into it."
        fix = "Start the container with: -v /run/pcscd:/run/pcscd"
    elif machine.platform == "linux" and not has_pcscd:
        code, cause = "pcscd-not-installed", "pcscd is not installed."
        fix = "apt-get install pcscd libccid"
    elif not socket.exists():
        code, cause = "pcscd-not-running", "pcscd is installed and does not run."
        fix = "systemctl enable --now pcscd.socket; without systemd: pcscd"
    elif error.fault is ReaderFault.NOT_PERMITTED or not machine.may_use(socket):
        code = "pcsc-not-permitted"
        cause = (
            "This user may not use the service (polkit, or the rights of its socket), or 200 programs use it already."
        )
        fix = (
            "Allow the actions org.debian.pcsc-lite.access_pcsc and access_card to your group in a file of "
            "/etc/polkit-1/rules.d, or use it from the desktop session of the machine."
        )
    else:
        code, cause = "pcscd-hangs", "Its socket is there, but nobody answers: pcscd has died or hangs."
        fix = "systemctl restart pcscd"
    return Finding(code=code, level=Level.PROBLEM, what="The PC/SC service does not answer.", cause=cause, fix=fix)


_PLACES: Final = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin")


def _no_reader(machine: Machine) -> Finding:
    plugged = [device for device in _usb_devices(machine) if CCID_CLASS in device.classes]
    if plugged:
        return Finding(
            code="pcsc-no-driver",
            level=Level.PROBLEM,
            what=f"{len(plugged)} smart card reader(s) on USB are not shown by the PC/SC service.",
            cause="Their driver is missing, or another program (such as gpg's scdaemon) holds them.",
            fix="apt-get install libccid, then plug the reader in again; gpgconf --kill scdaemon",
        )
    return Finding(
        code="pcsc-no-reader",
        level=Level.NOTE,
        what="No PC/SC reader is attached.",
        cause="None is plugged in, or its maker's driver is missing.",
        fix="Plug one in; without hardware: prcard simulate --face pcsc --card alice",
    )


def _remote(machine: Machine) -> Iterator[Finding]:
    environment = machine.environment
    desktop = environment.get("SESSIONNAME", "").upper().startswith("RDP") or "XRDP_SESSION" in environment
    if desktop:
        yield Finding(
            code="remote-desktop",
            level=Level.PROBLEM,
            what="This is a remote desktop session: readers of this machine are hidden from it.",
            cause="Remote desktop shows the smart card readers of the machine that you sit at, or none.",
            fix="Work at the machine itself, or redirect smart cards in the settings of the remote desktop client.",
        )


@dataclass(frozen=True, slots=True)
class _USBDevice:
    """One device as the kernel describes it."""

    vendor: int
    product: int
    classes: frozenset[str]
    node: Path


def _usb_devices(machine: Machine) -> Iterator[_USBDevice]:
    for folder in sorted(machine.path("/sys/bus/usb/devices").glob("*")):
        with contextlib.suppress(OSError, ValueError):
            vendor, product, bus, number = (
                (folder / name).read_text("ascii").strip() for name in ("idVendor", "idProduct", "busnum", "devnum")
            )
            classes = (path.read_text("ascii").strip() for path in folder.glob("*/bInterfaceClass"))
            node = machine.path(f"/dev/bus/usb/{int(bus):03d}/{int(number):03d}")
            yield _USBDevice(int(vendor, 16), int(product, 16), frozenset(classes), node)


def _usb(machine: Machine) -> Iterator[Finding]:
    for device in _usb_devices(machine):
        if (device.vendor, device.product) not in KNOWN_READERS:
            continue
        name = f"{device.vendor:04x}:{device.product:04x}"
        if machine.may_use(device.node):
            yield Finding(code="usb-reader", level=Level.OK, what=f"A USB reader is there ({name}).")
            continue
        rule = f'ATTRS{{idVendor}}=="{name[:4]}", ATTRS{{idProduct}}=="{name[5:]}", MODE="0660", GROUP="plugdev"'
        yield Finding(
            code="usb-not-permitted",
            level=Level.PROBLEM,
            what=f"A USB reader is there ({name}), but this user may not open it.",
            cause="Its device node belongs to root, as udev makes it unless a rule says otherwise.",
            fix=f'Put into /etc/udev/rules.d/70-prcard.rules: SUBSYSTEM=="usb", {rule}; then plug it in again',
        )


def _serial(machine: Machine) -> Iterator[Finding]:
    if not machine.installed("serial"):
        return
    for name in machine.serial_ports():
        device = machine.path(name)
        if not machine.may_use(device):
            yield Finding(
                code="serial-not-permitted",
                level=Level.PROBLEM,
                what=f"The serial port {name} may not be opened by this user.",
                cause=f"It belongs to the group {_group(device)}, in which this user is not.",
                fix=f"sudo usermod -aG {_group(device)} $USER, then log in again",
            )
        elif holder := _holder(machine, device):
            yield Finding(
                code="serial-busy",
                level=Level.PROBLEM,
                what=f"The serial port {name} is in use.",
                cause=f"The program {holder} has it open.",
                fix=f"Close {holder}, then try again",
            )
        else:
            yield Finding(code="serial-port", level=Level.OK, what=f"The serial port {name} can be opened.")


def _group(device: Path) -> str:
    try:
        return device.group()
    except (OSError, KeyError, NotImplementedError):
        return "dialout"


def _holder(machine: Machine, device: Path) -> str:
    """Names the program that has a device open, as far as this user may see; "" when none does."""
    wanted = str(device.resolve())
    for process in list(machine.path("/proc").glob("[0-9]*"))[:MAX_PROCESSES]:
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) == wanted for link in (process / "fd").iterdir()):
                return (process / "comm").read_text("utf-8", "replace").strip() or "another program"
    return ""
