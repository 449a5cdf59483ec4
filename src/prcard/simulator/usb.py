"""A USB SAM_V reader made of software: a backend of pyusb, so that everything above it is the real code.

No device node and no bus: it stands in for libusb. Stalls, short packets and an unplugged reader can be made to happen.
"""

from __future__ import annotations

import array
import errno
import time
from typing import TYPE_CHECKING, Any, Final

import usb.backend
import usb.core

from prcard.wire.frame import HEADER_BYTES
from prcard.wire.usb_pipes import Pipes, USBReaderKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prcard.simulator.device import VirtualReader

__all__ = ["SoftwareUSB"]

SINGLE: Final = Pipes(0x01, 0x01, 0x82, 0x82)
PACKET_BYTES: Final = 64
_CONFIGURATION: Final = 1


class _Record:
    """A descriptor: attributes and nothing else."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)
        self.extra_descriptors = b""


class SoftwareUSB(usb.backend.IBackend):  # type: ignore[misc]  # pyusb has no types
    """One reader on a bus of its own.

    Args:
        reader: What lies behind it.
        kind: Which vendor and product it shows.
        serial: USB serial number; "" when it has none.
        packet_bytes: Most bytes that one transfer from the reader gives, to show short packets.

    Attributes:
        plugged: False once `unplug` was called.
        stalls: How many further transfers end with a stalled pipe.
        busy: True while another program holds the interface.
        permitted: False when this user may not open it.
    """

    def __init__(
        self,
        reader: VirtualReader,
        *,
        kind: USBReaderKind = USBReaderKind.STANDARD,
        serial: str = "SPECIMEN-1",
        packet_bytes: int = 4096,
    ) -> None:
        super().__init__()
        self.plugged, self.stalls, self.busy, self.permitted = True, 0, False, True
        self.halted: set[int] = set()
        self.handles = 0
        self._line = reader.line()
        self._kind, self._serial, self._packet_bytes = kind, serial, packet_bytes
        self._pipes = kind.pipes or SINGLE
        self._request = b""
        self._waiting: dict[int, bytes] = {}

    def unplug(self) -> None:
        """Takes the reader off the bus: every further transfer fails."""
        self.plugged = False

    # What pyusb asks a backend for; the signatures are its.

    def enumerate_devices(self) -> Iterator[str]:
        """Gives the one device while it is plugged in."""
        return iter(["reader"] if self.plugged else [])

    def get_device_descriptor(self, dev: str) -> _Record:  # noqa: ARG002  # the signature is pyusb's
        """Describes the device."""
        vendor, product = self._kind.ids
        return _Record(
            bLength=18, bDescriptorType=1, bcdUSB=0x0200, bDeviceClass=0xFF, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=vendor, idProduct=product, bcdDevice=0x0100, iManufacturer=1, iProduct=2,
            iSerialNumber=3 if self._serial else 0, bNumConfigurations=1, address=1, bus=1, port_number=1,
            port_numbers=(1,), speed=2,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: str, config: int) -> _Record:  # noqa: ARG002  # as above
        """Describes its one configuration."""
        return _Record(
            bLength=9, bDescriptorType=2, wTotalLength=9, bNumInterfaces=1, bConfigurationValue=_CONFIGURATION,
            iConfiguration=0, bmAttributes=0x80, bMaxPower=50,
        )  # fmt: skip

    def get_interface_descriptor(self, dev: str, intf: int, alt: int, config: int) -> _Record:  # noqa: ARG002
        """Describes its one interface."""
        if intf or alt:
            raise IndexError
        return _Record(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=len(self._endpoints()),
            bInterfaceClass=0xFF, bInterfaceSubClass=0, bInterfaceProtocol=0, iInterface=0,
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: str, ep: int, intf: int, alt: int, config: int) -> _Record:  # noqa: ARG002
        """Describes a pipe."""
        return _Record(
            bLength=7, bDescriptorType=5, bEndpointAddress=self._endpoints()[ep], bmAttributes=2,
            wMaxPacketSize=PACKET_BYTES, bInterval=0, bRefresh=0, bSynchAddress=0,
        )  # fmt: skip

    def _endpoints(self) -> list[int]:
        return list(dict.fromkeys(self._pipes))

    def open_device(self, dev: str) -> str:
        """Opens the device."""
        self._check_plugged()
        if not self.permitted:
            raise usb.core.USBError("Access denied (insufficient permissions)", -3, errno.EACCES)
        self.handles += 1
        return dev

    def close_device(self, dev_handle: str) -> None:  # noqa: ARG002  # as above
        """Closes it."""
        self.handles -= 1

    def set_configuration(self, dev_handle: str, config_value: int) -> None:  # noqa: ARG002  # as above
        """Takes the one configuration there is."""
        self._check_plugged()

    def get_configuration(self, dev_handle: str) -> int:  # noqa: ARG002  # as above
        """Gives it."""
        return _CONFIGURATION

    def claim_interface(self, dev_handle: str, intf: int) -> None:  # noqa: ARG002  # as above
        """Claims the interface."""
        self._check_plugged()
        if self.busy:
            raise usb.core.USBError("Resource busy", -6, errno.EBUSY)

    def release_interface(self, dev_handle: str, intf: int) -> None:
        """Releases it."""

    def is_kernel_driver_active(self, dev_handle: str, intf: int) -> bool:  # noqa: ARG002  # as above
        """No kernel driver holds it."""
        return False

    def clear_halt(self, dev_handle: str, ep: int) -> None:  # noqa: ARG002  # as above
        """Clears a stalled pipe."""
        self.halted.discard(ep)

    def ctrl_transfer(
        self,
        dev_handle: str,  # noqa: ARG002  # as above
        bmRequestType: int,  # noqa: N803, ARG002  # as above
        bRequest: int,  # noqa: N803, ARG002  # as above
        wValue: int,  # noqa: N803
        wIndex: int,  # noqa: N803, ARG002  # as above
        data: array.array[int],
        timeout: int,  # noqa: ARG002  # as above
    ) -> int:
        """Answers for string descriptors."""
        self._check_plugged()
        text = {0: b"\x09\x04", 3: self._serial.encode("utf-16-le")}.get(wValue & 0xFF, b"")
        answer = bytes((len(text) + 2, 3)) + text
        answer = answer[: len(data)]
        data[: len(answer)] = array.array("B", answer)
        return len(answer)

    def bulk_write(self, dev_handle: str, ep: int, intf: int, data: array.array[int], timeout: int) -> int:  # noqa: ARG002
        """Takes a piece of a request; head and body must come through their own pipes, in this order."""
        self._check_pipe(ep)
        piece = bytes(data)
        due = self._pipes.out_body if self._request else self._pipes.out_head
        if ep != due or (self._pipes.split and not self._request and len(piece) != HEADER_BYTES):
            # A real reader would wait for ever for what it never gets.
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        self._request += piece
        if not self._pipes.split or len(self._request) > HEADER_BYTES:
            reply = self._line.receive(self._request, time.monotonic())
            self._request = b""
            head, body = (reply[:HEADER_BYTES], reply[HEADER_BYTES:]) if self._pipes.split else (reply, b"")
            # What the host has not fetched of the last reply is gone.
            self._waiting = (
                {self._pipes.in_head: head, self._pipes.in_body: body}
                if self._pipes.split
                else {self._pipes.in_head: head}
            )
        return len(piece)

    def bulk_read(self, dev_handle: str, ep: int, intf: int, buff: array.array[int], timeout: int) -> int:  # noqa: ARG002
        """Gives what waits in a pipe, at most one transfer."""
        self._check_pipe(ep)
        waiting = self._waiting.get(ep, b"")
        if not waiting:
            time.sleep(min(timeout, 5) / 1000)
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        piece = waiting[: min(len(buff), self._packet_bytes)]
        self._waiting[ep] = waiting[len(piece) :]
        buff[: len(piece)] = array.array("B", piece)
        return len(piece)

    def _check_pipe(self, pipe: int) -> None:
        self._check_plugged()
        if self.stalls:
            self.stalls -= 1
            self.halted.add(pipe)
        if pipe in self.halted:
            raise usb.core.USBError("Pipe error", -9, errno.EPIPE)

    def _check_plugged(self) -> None:
        if not self.plugged:
            raise usb.core.USBError("No such device (it may have been disconnected)", -4, errno.ENODEV)
