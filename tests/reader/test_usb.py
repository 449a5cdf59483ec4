"""USB readers over a software backend of pyusb: pipes, stalls, short packets, unplugging and refusals."""

from __future__ import annotations

import builtins
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import usb.core

from prcard.errors import ReaderError, ReaderFault
from prcard.reader import usb as readers
from prcard.reader.sam import SAMReader
from prcard.reader.uri import attached_readers, open_reader
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.usb import SoftwareUSB
from prcard.wire.codes import Command
from prcard.wire.frame import Frame
from prcard.wire.procedure import ReadOptions
from prcard.wire.usb_pipes import USBReaderKind

CHEN = specimen("chen").card()
FIND = Frame.request(Command.FIND_CARD).serialize()


@pytest.fixture
def virtual() -> VirtualReader:
    reader = VirtualReader()
    reader.insert(CHEN)
    return reader


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[[SoftwareUSB], SoftwareUSB]:
    def plug_in(bus: SoftwareUSB) -> SoftwareUSB:
        monkeypatch.setattr(readers, "backend", lambda: bus)
        return bus

    return plug_in


Plug = Callable[[SoftwareUSB], SoftwareUSB]


def fault_when(call: Callable[[], object]) -> ReaderFault:
    with pytest.raises(ReaderError) as refused:
        call()
    assert refused.value.advice
    return refused.value.fault


@pytest.mark.parametrize("kind", USBReaderKind)
@pytest.mark.parametrize("packet_bytes", [1, 7, 64, 4096])
def test_a_card_is_read(plug: Plug, virtual: VirtualReader, kind: USBReaderKind, packet_bytes: int) -> None:
    bus = plug(SoftwareUSB(virtual, kind=kind, packet_bytes=packet_bytes))
    with open_reader("usb:") as reader:
        raw = reader.read(5, ReadOptions(fingerprint=True))
    assert (raw.text, raw.photo, raw.fingerprint) == (CHEN.text, CHEN.photo, CHEN.fingerprint)
    assert (raw.provenance.transport, raw.provenance.simulated) == ("usb", True)
    assert bus.handles == 0


def test_attached_readers_are_listed_by_serial_number(plug: Plug, virtual: VirtualReader) -> None:
    plug(SoftwareUSB(virtual))
    assert ("usb:SPECIMEN-1", "USB 0400:C35A") in attached_readers()
    with open_reader("usb:SPECIMEN-1") as reader:
        assert reader.read(5).text == CHEN.text
    assert fault_when(lambda: open_reader("usb:SPECIMEN-2")) is ReaderFault.NOT_FOUND


def test_a_reader_without_a_serial_number_has_its_place_on_the_bus(plug: Plug, virtual: VirtualReader) -> None:
    plug(SoftwareUSB(virtual, serial=""))
    assert ("usb:1.1", "USB 0400:C35A") in attached_readers()
    with open_reader("usb:1.1") as reader:
        assert reader.read(5).text == CHEN.text


def test_several_are_listed_and_refused(plug: Plug, virtual: VirtualReader, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = plug(SoftwareUSB(virtual))
    monkeypatch.setattr(bus, "enumerate_devices", lambda: iter(["reader", "reader"]))
    with pytest.raises(ReaderError, match="usb:SPECIMEN-1, usb:SPECIMEN-1") as refused:
        open_reader("usb:")
    assert refused.value.fault is ReaderFault.AMBIGUOUS


@pytest.mark.parametrize("stalls", [1, 2])
def test_a_stalled_pipe_is_cleared(plug: Plug, virtual: VirtualReader, stalls: int) -> None:
    bus = plug(SoftwareUSB(virtual))
    with open_reader("usb:") as reader:
        bus.stalls = stalls
        if stalls == 1:
            assert reader.read(5).text == CHEN.text
        else:
            assert fault_when(lambda: reader.read(5)) is ReaderFault.LOST
    assert bus.halted == (set() if stalls == 1 else bus.halted)


def test_a_reader_that_is_unplugged_is_lost(plug: Plug, virtual: VirtualReader) -> None:
    virtual.remove()
    bus = plug(SoftwareUSB(virtual))
    with open_reader("usb:") as reader:
        unplugging = threading.Timer(0.1, bus.unplug)
        unplugging.start()
        assert fault_when(lambda: reader.read(10)) is ReaderFault.LOST
        unplugging.join()
    assert fault_when(lambda: open_reader("usb:")) is ReaderFault.NOT_FOUND
    bus.plugged = True
    virtual.insert(CHEN)
    with open_reader("usb:") as reader:
        assert reader.read(5).text == CHEN.text


def test_refusals(plug: Plug, virtual: VirtualReader) -> None:
    bus = plug(SoftwareUSB(virtual))
    bus.busy = True
    assert fault_when(lambda: open_reader("usb:")) is ReaderFault.BUSY
    bus.busy, bus.permitted = False, False
    assert fault_when(lambda: open_reader("usb:")) is ReaderFault.NOT_PERMITTED
    assert attached_readers()[-1][0].startswith(("usb:", "serial:"))
    assert fault_when(lambda: open_reader("usb:?pipes=three")) is ReaderFault.BAD_URI


def test_the_layout_of_pipes_can_be_said(plug: Plug, virtual: VirtualReader) -> None:
    plug(SoftwareUSB(virtual, kind=USBReaderKind.CLOUD))
    with open_reader("usb:?pipes=one") as reader:
        assert reader.read(5).text == CHEN.text
    assert fault_when(lambda: open_reader("usb:?pipes=two")) is ReaderFault.REFUSED


def test_a_reader_that_takes_no_bytes_is_silent(
    plug: Plug, virtual: VirtualReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = plug(SoftwareUSB(virtual))

    def deaf(*_: Any) -> int:
        raise usb.core.USBTimeoutError("Operation timed out", -7, 110)

    with open_reader("usb:") as reader:
        monkeypatch.setattr(bus, "bulk_write", deaf)
        assert fault_when(lambda: reader.read(2)) is ReaderFault.SILENT


def test_nothing_to_read_is_waited_for_and_no_longer(plug: Plug, virtual: VirtualReader) -> None:
    plug(SoftwareUSB(virtual))
    channel = readers.open_channel("")
    start = time.monotonic()
    assert channel.read(0.15) == b""
    assert 0.1 < time.monotonic() - start < 2
    channel.close()
    channel.close()
    assert fault_when(lambda: channel.read(0)) is ReaderFault.LOST
    assert fault_when(lambda: channel.write(FIND)) is ReaderFault.LOST


def test_a_reply_that_nobody_fetched_is_not_taken_for_the_next(plug: Plug, virtual: VirtualReader) -> None:
    plug(SoftwareUSB(virtual))
    channel = readers.open_channel("")
    channel.write(Frame.request(Command.SAM_ID).serialize())
    assert channel.read(1)[:5] == Frame.request(Command.SAM_ID).serialize()[:5]
    with SAMReader(channel) as reader:
        assert reader.read(5).text == CHEN.text


def hide(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def hidden(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "usb":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", hidden)


def test_without_pyusb_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch)
    with pytest.raises(ReaderError, match=r"prcard\[usb\]") as missing:
        open_reader("usb:")
    assert missing.value.fault is ReaderFault.MISSING_EXTRA
    assert readers.attached() == []


def test_without_libusb_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> None:
        raise usb.core.NoBackendError("No backend available")

    monkeypatch.setattr(usb.core, "find", none)
    with pytest.raises(ReaderError, match="libusb") as missing:
        open_reader("usb:")
    assert missing.value.fault is ReaderFault.MISSING_EXTRA


def test_a_bus_that_fails_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise usb.core.USBError("Input/Output Error", -1, 5)

    monkeypatch.setattr(usb.core, "find", broken)
    assert fault_when(lambda: open_reader("usb:")) is ReaderFault.LOST
