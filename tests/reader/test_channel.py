"""Which channels have a speed."""

from __future__ import annotations

from prcard.reader.channel import SpeedChannel
from prcard.reader.serial import open_channel
from prcard.simulator.device import VirtualReader
from prcard.simulator.inprocess import InProcessChannel


def test_only_serial_lines_have_a_speed() -> None:
    line = open_channel("loop://")
    assert isinstance(line, SpeedChannel)
    assert not isinstance(InProcessChannel(VirtualReader().line()), SpeedChannel)
    line.close()
