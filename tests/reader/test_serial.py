"""The serial channel against real pseudo-terminals."""

from __future__ import annotations

import os
import subprocess
import sys
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from prcard.errors import ReaderError, ReaderFault
from prcard.reader import serial as serial_reader
from prcard.reader.serial import DEFAULT_SPEEDS, attached, open_channel


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for descriptor in (master, slave):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_bytes_pass_both_ways(pty: tuple[int, str]) -> None:
    master, device = pty
    channel = open_channel(device)
    channel.write(b"\x00\x11\x13\xff")
    assert os.read(master, 100) == b"\x00\x11\x13\xff"
    os.write(master, b"\xaa\x0d\x0a")
    got = b""
    while len(got) < 3:
        got += channel.read(5)
    assert got == b"\xaa\x0d\x0a"
    assert channel.read(0) == b""
    channel.close()
    channel.close()


def test_speeds_are_searched_unless_one_is_named(pty: tuple[int, str]) -> None:
    _, device = pty
    channel = open_channel(device)
    assert channel.speeds == DEFAULT_SPEEDS
    channel.close()
    channel = open_channel(f"{device}?baud=57600")
    assert channel.speeds == (57600,)
    channel.close()


def test_change_of_speed_drops_what_had_arrived(pty: tuple[int, str]) -> None:
    master, device = pty
    channel = open_channel(device)
    os.write(master, b"old")
    channel.set_speed(9600)
    os.write(master, b"new")
    assert channel.read(5).endswith(b"new")
    channel.close()


@pytest.mark.parametrize("query", ["?baud=", "?baud=fast", "?baud=0", "?baud=-1", "?baud=９６００", "?baud=99999999"])
def test_speed_that_is_none(query: str) -> None:
    with pytest.raises(ReaderError, match="a speed in baud") as refused:
        open_channel(f"/dev/null{query}")
    assert refused.value.fault is ReaderFault.BAD_URI


def test_missing_device_name() -> None:
    with pytest.raises(ReaderError, match="a device") as refused:
        open_channel("")
    assert refused.value.fault is ReaderFault.BAD_URI


@pytest.mark.parametrize("device", ["/dev/no-such-reader", "/dev/null", "nonsense://x", "socket://", __file__])
def test_device_that_is_no_serial_port(device: str) -> None:
    with pytest.raises(ReaderError, match="prcard readers") as missing:
        open_channel(device)
    assert missing.value.fault is ReaderFault.NOT_FOUND


def test_port_in_use_by_another_program(pty: tuple[int, str]) -> None:
    _, device = pty
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import serial; port = serial.Serial({device!r}, exclusive=True); print(flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(ReaderError, match="in use by another program") as busy:
            open_channel(device)
        assert busy.value.fault is ReaderFault.BUSY
    finally:
        holder.communicate(b"\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become a user without rights on the port")
def test_port_that_may_not_be_opened(pty: tuple[int, str], tmp_path: Path) -> None:
    _, device = pty
    Path(device).chmod(0o600)
    code = (
        # All imports come first: that user may not be able to read the place where this Python lies.
        "import os, serial as _; from prcard.reader import serial; from prcard.errors import ReaderError\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"try: serial.open_channel({device!r})\n"
        "except ReaderError as error: print(error.fault.name, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("NOT_PERMITTED")
    assert "dialout" in done.stdout


def test_unplugged_device_is_lost(pty: tuple[int, str]) -> None:
    master, device = pty
    channel = open_channel(device)
    os.close(master)
    with pytest.raises(ReaderError, match="is gone") as lost:
        channel.write(b"x")
        channel.read(1)
    assert lost.value.fault is ReaderFault.LOST
    with pytest.raises(ReaderError):
        channel.set_speed(9600)
    channel.close()


def test_use_after_close_is_a_reader_error(pty: tuple[int, str]) -> None:
    _, device = pty
    channel = open_channel(device)
    channel.close()
    for call in (lambda: channel.read(0.01), lambda: channel.write(b"x")):
        with pytest.raises(ReaderError):
            call()


def test_line_that_takes_no_bytes(pty: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_reader, "WRITE_TIMEOUT_S", 0.05)
    _, device = pty
    channel = open_channel(device)
    with pytest.raises(ReaderError, match="took no bytes") as stuck:
        for _ in range(1000):
            channel.write(bytes(4096))
    assert stuck.value.fault is ReaderFault.SILENT
    channel.close()


def test_pyserial_urls_work() -> None:
    channel = open_channel("loop://?baud=9600")
    channel.write(b"echo")
    got = b""
    while len(got) < 4:
        got += channel.read(5)
    assert got == b"echo"
    channel.close()


def test_without_pyserial_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ReaderError, match=r"pip install 'prcard\[serial\]'") as missing:
        open_channel("/dev/null")
    assert missing.value.fault is ReaderFault.MISSING_EXTRA
    assert attached() == []


def test_attached_ports_are_uris() -> None:
    for uri, description in attached():
        assert uri.startswith("serial:")
        assert isinstance(description, str)
