"""Every trouble that a machine can have with its readers is found, explained and given a fix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.diagnosis import SOCKET, Finding, Level, Machine, diagnose
from prcard.reader.pcsc_codes import explain

DOWN = explain(0x8010001D)
DENIED = explain(0x8010006A)


def raises(error: Exception) -> Callable[..., Any]:
    def call(*_: object) -> None:
        raise error

    return call


def machine(root: Path, **changes: Any) -> Machine:
    """A machine on which all is well, less what a test changes."""
    well: dict[str, Any] = {
        "root": root,
        "environment": {},
        "platform": "linux",
        "installed": lambda name: True,
        "pcsc_readers": lambda: ["ACS ACR1281 00 00"],
        "serial_ports": list,
        "card_kind": raises(ReaderError(ReaderFault.NO_CARD, "No card lies there.", "Lay one down.")),
        "may_use": lambda path: True,
    }
    return Machine(**(well | changes))


def make(root: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def plug_usb(root: Path, vendor: str, product: str, interface_class: str) -> None:
    folder = "/sys/bus/usb/devices/1-1"
    for name, text in (("idVendor", vendor), ("idProduct", product), ("busnum", "1"), ("devnum", "7")):
        make(root, f"{folder}/{name}", text=text + "\n")
    make(root, f"{folder}/1-1:1.0/bInterfaceClass", text=interface_class + "\n")


def troubles(there: Machine) -> dict[str, Finding]:
    found = {finding.code: finding for finding in diagnose(there) if finding.level is not Level.OK}
    assert all(finding.what and finding.cause and finding.fix for finding in found.values())
    return found


def test_a_machine_on_which_all_is_well(tmp_path: Path) -> None:
    there = machine(tmp_path, serial_ports=lambda: ["/dev/ttyUSB0"])
    assert troubles(there) == {}
    said = [finding.what for finding in diagnose(there)]
    assert "ACS ACR1281 00 00 is there, without a card." in said
    assert "The serial port /dev/ttyUSB0 can be opened." in said


def test_what_is_not_installed_is_a_note_with_its_extra(tmp_path: Path) -> None:
    found = troubles(machine(tmp_path, installed=lambda name: False))
    assert set(found) == {"serial-not-installed", "pcsc-not-installed", "usb-not-installed"}
    assert found["pcsc-not-installed"].fix == "pip install 'prcard[pcsc]'"


def pcscd_gone(root: Path, **changes: Any) -> list[str]:
    return list(troubles(machine(root, pcsc_readers=raises(changes.pop("error", DOWN)), **changes)))


def test_why_the_service_does_not_answer(tmp_path: Path) -> None:
    assert pcscd_gone(tmp_path) == ["pcscd-not-installed"]
    make(tmp_path, "/.dockerenv")
    assert pcscd_gone(tmp_path) == ["pcsc-container-without-socket"]
    (tmp_path / ".dockerenv").unlink()
    assert pcscd_gone(tmp_path, environment={"container": "podman"}) == ["pcsc-container-without-socket"]
    make(tmp_path, "/usr/sbin/pcscd")
    assert pcscd_gone(tmp_path) == ["pcscd-not-running"]
    make(tmp_path, SOCKET)
    assert pcscd_gone(tmp_path) == ["pcscd-hangs"]
    assert pcscd_gone(tmp_path, error=DENIED) == ["pcsc-not-permitted"]
    assert pcscd_gone(tmp_path, may_use=lambda path: False) == ["pcsc-not-permitted"]
    assert pcscd_gone(tmp_path, environment={"PCSCLITE_CSOCK_NAME": str(tmp_path / "gone")}) == [
        "pcsc-socket-named-elsewhere"
    ]
    missing = ReaderError(ReaderFault.MISSING_EXTRA, "No library.", "Install it.")
    assert pcscd_gone(tmp_path, error=missing) == ["pcsc-library-missing"]
    assert pcscd_gone(tmp_path, error=DOWN, platform="win32") == ["pcscd-hangs"]


def test_no_reader_and_no_driver(tmp_path: Path) -> None:
    there = machine(tmp_path, pcsc_readers=list)
    assert list(troubles(there)) == ["pcsc-no-reader"]
    plug_usb(tmp_path, "072f", "2200", "0b")
    assert list(troubles(there)) == ["pcsc-no-driver"]


def test_what_lies_on_a_reader_is_named_by_its_kind(tmp_path: Path) -> None:
    there = machine(tmp_path, card_kind=lambda name: "state card on an ordinary reader")
    assert "ACS ACR1281 00 00 is there; on it lies: state card on an ordinary reader." in [
        finding.what for finding in diagnose(there)
    ]
    found = troubles(machine(tmp_path, card_kind=raises(explain(0x80100066))))
    assert found["pcsc-reader-fails"].cause == "The card does not talk to the reader (0x80100066)."


def test_readers_of_the_operating_system_and_remote_desktops(tmp_path: Path) -> None:
    hello = machine(tmp_path, pcsc_readers=lambda: ["Windows Hello for Business 1"])
    assert list(troubles(hello)) == ["pcsc-reader-of-the-system"]
    for environment in ({"SESSIONNAME": "RDP-Tcp#3"}, {"XRDP_SESSION": "1"}):
        assert list(troubles(machine(tmp_path, environment=environment))) == ["remote-desktop"]
    assert troubles(machine(tmp_path, environment={"SESSIONNAME": "Console"})) == {}


def test_usb_readers_and_their_rights(tmp_path: Path) -> None:
    plug_usb(tmp_path, "0400", "c35a", "ff")
    assert troubles(machine(tmp_path)) == {}
    assert "A USB reader is there (0400:c35a)." in [finding.what for finding in diagnose(machine(tmp_path))]
    asked: list[str] = []
    found = troubles(machine(tmp_path, may_use=lambda path: asked.append(str(path))))
    assert 'ATTRS{idVendor}=="0400", ATTRS{idProduct}=="c35a"' in found["usb-not-permitted"].fix
    assert asked[-1].endswith("/dev/bus/usb/001/007")


def test_devices_that_are_no_readers_and_half_described_ones_are_passed_over(tmp_path: Path) -> None:
    plug_usb(tmp_path, "1d6b", "0002", "09")
    make(tmp_path, "/sys/bus/usb/devices/1-2/idVendor", text="zzzz")
    assert troubles(machine(tmp_path)) == {}


def test_a_serial_port_that_may_not_be_opened(tmp_path: Path) -> None:
    make(tmp_path, "/dev/ttyUSB0")
    there = machine(tmp_path, serial_ports=lambda: ["/dev/ttyUSB0", "/dev/gone"], may_use=lambda path: False)
    found = [finding for finding in diagnose(there) if finding.code == "serial-not-permitted"]
    assert (tmp_path / "dev/ttyUSB0").group() in found[0].cause
    assert "usermod -aG dialout $USER" in found[1].fix


def test_a_serial_port_that_another_program_holds(tmp_path: Path) -> None:
    make(tmp_path, "/dev/ttyUSB0", "/proc/77/comm", "/proc/notes")
    (tmp_path / "proc/77/comm").write_text("minicom\n")
    (tmp_path / "proc/77/fd").mkdir()
    (tmp_path / "proc/77/fd/0").symlink_to("/dev/null")
    (tmp_path / "proc/78").mkdir()
    there = machine(tmp_path, serial_ports=lambda: ["/dev/ttyUSB0"])
    assert troubles(there) == {}
    (tmp_path / "proc/77/fd/3").symlink_to((tmp_path / "dev/ttyUSB0").resolve())
    assert troubles(there)["serial-busy"].cause == "The program minicom has it open."


def test_this_machine_can_be_looked_at() -> None:
    found = diagnose()
    assert found
    assert all(finding.what for finding in found)


@pytest.mark.parametrize("level", Level)
def test_levels_are_words(level: Level) -> None:
    assert level.value.isalpha()
