"""The software bus is as strict as a real reader: what a wrong host does wrong shows."""

from __future__ import annotations

import array

import pytest
import usb.core

from prcard.simulator.device import VirtualReader
from prcard.simulator.usb import SoftwareUSB
from prcard.wire.codes import Command
from prcard.wire.frame import Frame
from prcard.wire.usb_pipes import USBReaderKind

REQUEST = Frame.request(Command.SAM_STATUS).serialize()
TIME_OUT = usb.core.USBTimeoutError


def write(bus: SoftwareUSB, pipe: int, data: bytes) -> int:
    return bus.bulk_write("reader", pipe, 0, array.array("B", data), 10)


def read(bus: SoftwareUSB, pipe: int, size: int = 64) -> bytes:
    room = array.array("B", bytes(size))
    return room[: bus.bulk_read("reader", pipe, 0, room, 10)].tobytes()


def test_head_and_body_have_pipes_of_their_own() -> None:
    bus = SoftwareUSB(VirtualReader())
    assert write(bus, 0x02, REQUEST[:7]) == 7
    assert write(bus, 0x06, REQUEST[7:]) == 3
    assert read(bus, 0x81) + read(bus, 0x85) == Frame.reply(0x90).serialize()
    with pytest.raises(TIME_OUT):
        read(bus, 0x81)


@pytest.mark.parametrize(("pipe", "data"), [(0x02, REQUEST), (0x06, REQUEST[7:]), (0x02, REQUEST[:6])])
def test_a_host_that_takes_the_wrong_pipe_gets_nowhere(pipe: int, data: bytes) -> None:
    with pytest.raises(TIME_OUT):
        write(SoftwareUSB(VirtualReader()), pipe, data)


def test_a_single_pair_takes_the_frame_whole() -> None:
    bus = SoftwareUSB(VirtualReader(), kind=USBReaderKind.CLOUD)
    write(bus, 0x01, REQUEST)
    assert read(bus, 0x82) == Frame.reply(0x90).serialize()


def test_an_unplugged_reader_fails_every_transfer() -> None:
    bus = SoftwareUSB(VirtualReader())
    bus.unplug()
    assert list(bus.enumerate_devices()) == []
    for call in (lambda: write(bus, 0x02, REQUEST[:7]), lambda: read(bus, 0x81), lambda: bus.open_device("reader")):
        with pytest.raises(usb.core.USBError, match="disconnected"):
            call()


def test_a_stall_lasts_until_it_is_cleared() -> None:
    bus = SoftwareUSB(VirtualReader())
    bus.stalls = 1
    for _ in range(2):
        with pytest.raises(usb.core.USBError, match="Pipe"):
            write(bus, 0x02, REQUEST[:7])
    bus.clear_halt("reader", 0x02)
    assert write(bus, 0x02, REQUEST[:7]) == 7
