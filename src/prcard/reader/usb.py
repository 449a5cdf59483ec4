"""USB SAM_V readers through pyusb, which is imported here and nowhere else in this folder (extra `[usb]`).

Which bytes go through which pipe stands in `prcard.wire.usb_pipes`; the session above is that of every other line.
"""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.wire.usb_pipes import KNOWN_READERS, Pipes, ReplyPipes, USBReaderKind, split_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["USBChannel", "attached", "open_channel"]

WRITE_TIMEOUT_MS: Final = 1000
SLICE_S: Final = 0.1
"""One wait for a packet in seconds; the channel can be closed between two of them."""

BULK: Final = 0x02
IN: Final = 0x80


def backend() -> Any:
    """Gives the pyusb backend to use; None lets pyusb choose. A software backend takes its place in tests."""
    return None


def open_channel(address: str) -> USBChannel:
    """Opens `usb:` + `address`.

    Args:
        address: "" for the only attached reader of a known kind, or its USB serial number; then optionally
            `?pipes=one` for a reader that sends whole frames through one pair, or `?pipes=two`.

    Raises:
        ReaderError: no such reader, several of them, not permitted, busy, or pyusb or libusb is not installed.
    """
    serial, mark, layout = address.partition("?pipes=")
    if mark and layout not in {"one", "two"}:
        raise ReaderError(
            ReaderFault.BAD_URI, f"usb:{address}: expected ?pipes=one or ?pipes=two.", "Correct the reader URI."
        )
    devices = [device for device in _devices() if not serial or _serial(device) == serial]
    if not devices:
        raise ReaderError(
            ReaderFault.NOT_FOUND,
            f"No USB reader {f'with the serial number {serial} ' if serial else ''}is attached.",
            "Plug it in, or see what is wrong with: prcard doctor",
        )
    if len(devices) > 1:
        raise ReaderError(
            ReaderFault.AMBIGUOUS,
            f"{len(devices)} USB readers match: {', '.join(f'usb:{_serial(device)}' for device in devices)}.",
            "Name one of them by its serial number.",
        )
    return USBChannel(devices[0], layout)


def attached() -> list[tuple[str, str]]:
    """Lists USB readers of known kinds as (URI, description); [] when there are none or USB is not supported here."""
    try:
        return [
            (f"usb:{_serial(device)}", f"USB {device.idVendor:04X}:{device.idProduct:04X}") for device in _devices()
        ]
    except ReaderError:
        return []


class USBChannel:
    """One claimed USB reader; close it when done."""

    def __init__(self, device: Any, layout: str = "") -> None:
        """Claims the reader.

        Args:
            device: Of pyusb.
            layout: `one` or `two` pairs of pipes; "" as the table of kinds says.

        Raises:
            ReaderError: the reader is busy, not permitted, or has no pipes of this kind.
        """
        self._device = device
        self._closed = False
        self._io = threading.Lock()
        try:
            _detach_driver(device)
            device.set_configuration()
            self._interface = device.get_active_configuration()[(0, 0)]
            _usb().util.claim_interface(device, self._interface.bInterfaceNumber)
            self._pipes = _pipes(device, self._interface, layout)
        except Exception as error:
            _usb().util.dispose_resources(device)
            raise _refusal(error) from error
        self._reply = ReplyPipes(self._pipes)

    def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        with self._io:
            self._check_open()
            self._reply.restart()
            try:
                for pipe, piece in split_request(self._pipes, data):
                    self._transfer(self._device.write, pipe, piece, WRITE_TIMEOUT_MS)
            except _usb().core.USBTimeoutError as error:
                raise ReaderError(
                    ReaderFault.SILENT, "The USB reader took no bytes for a second.", "Unplug it and plug it in again."
                ) from error

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = min(max(deadline - time.monotonic(), 0.001), SLICE_S)
            with self._io:
                self._check_open()
                data = self._packet(int(left_s * 1000) or 1)
            if data or time.monotonic() >= deadline:
                return data

    def close(self) -> None:
        """See `Channel.close`."""
        with self._io:
            if not self._closed:
                self._closed = True
                with contextlib.suppress(Exception):
                    _usb().util.dispose_resources(self._device)

    def _packet(self, timeout_ms: int) -> bytes:
        pipe, size = self._reply.next_read()
        # A whole number of packets, or a reader that sends more than was asked for overflows the transfer.
        room = -(-size // PACKET_BYTES) * PACKET_BYTES
        try:
            data = bytes(self._transfer(self._device.read, pipe, room, timeout_ms))
        except _usb().core.USBTimeoutError:
            return b""
        self._reply.received(data)
        return data

    def _transfer(self, call: Callable[..., Any], pipe: int, *arguments: Any) -> Any:
        """Runs one transfer; a stalled pipe is cleared and tried once more. A time-out of pyusb passes through."""
        core = _usb().core
        try:
            try:
                return call(pipe, *arguments)
            except core.USBError as error:
                if error.errno != errno.EPIPE:
                    raise
                self._device.clear_halt(pipe)
                return call(pipe, *arguments)
        except core.USBTimeoutError:
            raise
        except core.USBError as error:
            raise _lost() from error

    def _check_open(self) -> None:
        if self._closed:
            raise _lost()


PACKET_BYTES: Final = 64
"""Packet of a full-speed bulk pipe. Source: USB 2.0, 5.8.3."""


def _usb() -> ModuleType:
    try:
        import usb.core
        import usb.util
    except ImportError as error:
        raise ReaderError(
            ReaderFault.MISSING_EXTRA,
            "USB readers need pyusb, which is not installed.",
            "Install it with: pip install 'prcard[usb]'",
        ) from error
    module: ModuleType = usb
    return module


def _devices() -> list[Any]:
    core = _usb().core
    try:
        found = core.find(
            find_all=True,
            backend=backend(),
            custom_match=lambda device: (device.idVendor, device.idProduct) in KNOWN_READERS,
        )
        return list(found)
    except core.NoBackendError as error:
        raise ReaderError(
            ReaderFault.MISSING_EXTRA,
            "USB readers need the system's libusb, which is not installed.",
            "Install it, on Debian with: apt-get install libusb-1.0-0",
        ) from error
    except core.USBError as error:
        raise _refusal(error) from error


def _serial(device: Any) -> str:
    """The USB serial number; where it has none or may not be asked, its place on the bus."""
    try:
        found = device.serial_number
    except Exception:
        found = None
    return found or f"{device.bus}.{device.address}"


def _detach_driver(device: Any) -> None:
    # Not every system has kernel drivers to be asked for.
    with contextlib.suppress(NotImplementedError):
        if device.is_kernel_driver_active(0):
            device.detach_kernel_driver(0)


def _pipes(device: Any, interface: Any, layout: str) -> Pipes:
    known = KNOWN_READERS.get((device.idVendor, device.idProduct))
    there = [pipe.bEndpointAddress for pipe in interface if pipe.bmAttributes & 0x03 == BULK]
    pipes = USBReaderKind.STANDARD.pipes if layout == "two" else known.pipes if known and not layout else None
    if pipes is None:
        ways = [next((pipe for pipe in there if (pipe & IN) == way), 0) for way in (0, IN)]
        pipes = Pipes(ways[0], ways[0], ways[1], ways[1])
    if not set(pipes) <= set(there):
        raise ReaderError(
            ReaderFault.REFUSED,
            "The USB reader has not the pipes of a SAM_V reader.",
            "Try ?pipes=one; readers that show themselves as HID are not supported.",
        )
    return pipes


def _refusal(error: Exception) -> Exception:
    if isinstance(error, ReaderError):
        return error
    number = getattr(error, "errno", None)
    if number in {errno.EACCES, errno.EPERM}:
        return ReaderError(
            ReaderFault.NOT_PERMITTED,
            "The USB reader may not be opened by this user.",
            "Add a udev rule for it: prcard doctor shows the line.",
        )
    if number == errno.EBUSY:
        return ReaderError(
            ReaderFault.BUSY, "The USB reader is in use by another program.", "Close the other program, then try again."
        )
    return _lost()


def _lost() -> ReaderError:
    return ReaderError(ReaderFault.LOST, "The USB reader is gone.", "Plug it in again, then read the card again.")
