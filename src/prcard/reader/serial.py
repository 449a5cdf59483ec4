"""Serial ports, through pyserial; the only module that imports it."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, Any, Final

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.channel import MAX_READ_BYTES

if TYPE_CHECKING:
    from types import ModuleType

    import serial

__all__ = ["DEFAULT_SPEEDS", "SerialChannel", "attached", "open_channel"]

DEFAULT_SPEEDS: Final = (115200, 57600, 38400, 19200, 9600)
"""Search order in baud. Source: observed in a public host program (confidence C); 115200 is the default (A)."""

WRITE_TIMEOUT_S: Final = 1.0
SLICE_S: Final = 0.02
"""One wait of the port in seconds. pyserial sets up the whole port anew at each change of its time-out, so it is
fixed and short, and `SerialChannel.read` repeats it."""

_BUSY = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


def open_channel(address: str) -> SerialChannel:
    """Opens `serial:` + `address`, for instance `/dev/ttyUSB0?baud=115200` or any URL pyserial knows.

    Args:
        address: Device name or pyserial URL, then optionally `?baud=N`; without it the usual speeds are searched.

    Raises:
        ReaderError: the port is missing, busy, not permitted or not a serial port; or pyserial is not installed.
    """
    device, speeds = _split(address)
    module = _pyserial()
    try:
        # exclusive: two programs on one line would each eat half of the other's replies.
        kind: dict[str, Any] = {} if "://" in device else {"exclusive": True}
        # pyserial's client of RFC 2217 refuses a limit for writes; its own connection has one.
        kind |= {} if device.startswith("rfc2217://") else {"write_timeout": WRITE_TIMEOUT_S}
        port = module.serial_for_url(device, baudrate=speeds[0], timeout=SLICE_S, **kind)
    except (OSError, ValueError) as error:
        raise _refusal(device, error) from error
    return SerialChannel(port, device, speeds)


def attached() -> list[tuple[str, str]]:
    """Lists serial ports as (URI, description); empty when there are none or pyserial is not installed."""
    try:
        _pyserial()
        from serial.tools import list_ports
    except (ReaderError, ImportError):
        return []
    return sorted((f"serial:{port.device}", port.description or "") for port in list_ports.comports())


class SerialChannel:
    """One open serial port; close it when done."""

    def __init__(self, port: serial.Serial, device: str, speeds: tuple[int, ...]) -> None:
        """Takes over an open port; `speeds` are the speeds to try in baud."""
        self._port = port
        self._device = device
        self.speeds = speeds

    def write(self, data: bytes) -> None:
        """See `Channel.write`."""
        import serial

        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise ReaderError(
                ReaderFault.SILENT,
                f"{self._device} took no bytes for {WRITE_TIMEOUT_S:g} s.",
                "Check the cable and the flow control of the port.",
            ) from error
        except _LOSSES as error:
            raise self._lost() from error

    def read(self, timeout_s: float) -> bytes:
        """See `Channel.read`."""
        try:
            deadline = time.monotonic() + timeout_s
            first: bytes = self._port.read(1)
            while not first:
                if time.monotonic() >= deadline:
                    return b""
                first = self._port.read(1)
            waiting = min(self._port.in_waiting, MAX_READ_BYTES - 1)
            return first + (self._port.read(waiting) if waiting else b"")
        except _LOSSES as error:
            raise self._lost() from error

    def set_speed(self, baud: int) -> None:
        """See `SpeedChannel.set_speed`."""
        try:
            self._port.baudrate = baud
            self._port.reset_input_buffer()
        except (*_LOSSES, ValueError) as error:
            raise self._lost() from error

    def close(self) -> None:
        """See `Channel.close`."""
        try:
            self._port.close()
        except _LOSSES:
            # The port went away before us: there is nothing left to release.
            return

    def _lost(self) -> ReaderError:
        return ReaderError(
            ReaderFault.LOST, f"{self._device} is gone.", "Plug the reader in again, then read the card again."
        )


# pyserial raises OSError (SerialException is one), and TypeError or AttributeError when another thread
# closed the port in the middle of a call.
_LOSSES = (OSError, TypeError, AttributeError)


def _split(address: str) -> tuple[str, tuple[int, ...]]:
    device, mark, query = address.rpartition("?baud=")
    if not mark:
        device, query = address, ""
    if not device:
        raise _bad_uri(address, "a device, for instance serial:/dev/ttyUSB0")
    if not mark:
        return device, DEFAULT_SPEEDS
    if not (query.isascii() and query.isdigit() and 0 < int(query) <= 4_000_000):
        raise _bad_uri(address, "a speed in baud after ?baud=, for instance 115200")
    return device, (int(query),)


def _bad_uri(address: str, expected: str) -> ReaderError:
    return ReaderError(
        ReaderFault.BAD_URI, f"serial:{address} is not a serial reader: expected {expected}.", "Correct the reader URI."
    )


def _pyserial() -> ModuleType:
    try:
        import serial
    except ImportError as error:
        raise ReaderError(
            ReaderFault.MISSING_EXTRA,
            "Serial readers need pyserial, which is not installed.",
            "Install it with: pip install 'prcard[serial]'",
        ) from error
    return serial


def _refusal(device: str, error: Exception) -> ReaderError:
    number = getattr(error, "errno", None)
    text = str(error).lower()
    if number in {errno.EACCES, errno.EPERM}:
        return ReaderError(
            ReaderFault.NOT_PERMITTED,
            f"{device} may not be opened by this user.",
            "Add the user to the group of the port (often: usermod -aG dialout USER), then log in again.",
        )
    if number in _BUSY or "exclusively lock" in text:
        return ReaderError(
            ReaderFault.BUSY, f"{device} is in use by another program.", "Close the other program, then try again."
        )
    return ReaderError(
        ReaderFault.NOT_FOUND,
        f"{device} cannot be opened as a serial port.",
        "Check the name with: prcard readers",
    )
