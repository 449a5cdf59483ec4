"""Reader URIs: which kind of reader, and how it is opened.

Kinds plug in by the entry point group `prcard.readers`: a callable that takes the text after `kind:` and returns a
`Channel`, over which SAM_V is spoken, or a whole `Reader` that has a protocol of its own. The kinds of this package are
known without a look at package metadata, which is slow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Protocol, Self, runtime_checkable

from prcard.errors import PRCardError, ReaderError, ReaderFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from prcard.reader.channel import Channel
    from prcard.record.raw import RawCard
    from prcard.wire.procedure import ReadOptions

__all__ = ["BUILT_IN", "GROUP", "Reader", "attached_readers", "choose_reader", "open_channel", "open_reader"]

GROUP: Final = "prcard.readers"

BUILT_IN: Final = {
    "serial": "prcard.reader.serial:open_channel",
    "tcp": "prcard.reader.network:open_tcp",
    "udp": "prcard.reader.network:open_udp",
    "usb": "prcard.reader.usb:open_channel",
    "pcsc": "prcard.reader.pcsc:open_reader",
    "replay": "prcard.reader.replay:open_channel",
    "sim": "prcard.simulator.inprocess:open_channel",
}
"""Kind -> opener; the same table as the entry points of pyproject.toml, which a test compares."""

ATTACHABLE: Final = ("serial", "usb", "pcsc")
"""Kinds of which the machine tells what is attached."""

NOT_REAL: Final = ("sim", "replay")
"""Kinds behind which no card lies: what they give is never taken for a real reading, whatever SAM id it shows."""


@runtime_checkable
class Reader(Protocol):
    """A reader that is open: the fewest methods that work."""

    uri: str
    sam_id: str | None
    simulated: bool

    def read(self, timeout_s: float = ..., options: ReadOptions | None = ...) -> RawCard:
        """Waits for a card and reads it, once per presence; see `SAMReader.read`."""

    def close(self) -> None:
        """Releases the reader; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_reader(uri: str) -> Reader:
    """Opens the reader that `uri` names; the caller closes it.

    Args:
        uri: For instance `serial:/dev/ttyUSB0?baud=115200`, `tcp:HOST:PORT`, `udp:HOST:PORT`, `usb:`, `pcsc:NAME`,
            `sim:alice` or `replay:FILE`.

    Raises:
        ReaderError: The URI is malformed, or the reader is missing, busy, not permitted, silent or not ready.
    """
    from prcard.reader.sam import SAMReader

    kind = uri.partition(":")[0]
    opened = _open(uri)
    if isinstance(opened, Reader):
        return opened
    return SAMReader(opened, uri=uri, transport=kind, simulated=kind in NOT_REAL)


def open_channel(uri: str) -> Channel:
    """Opens only the line to the reader that `uri` names; the caller closes it.

    Raises:
        ReaderError: as for `open_reader`, less what only a talking reader shows; `BAD_URI` for a kind without a line.
    """
    opened = _open(uri)
    if isinstance(opened, Reader):
        opened.close()
        raise ReaderError(
            ReaderFault.BAD_URI, f"{uri} has no line that carries SAM_V frames.", "Read cards on it with: prcard read"
        )
    return opened


def _open(uri: str) -> Channel | Reader:
    kind, colon, address = uri.partition(":")
    opener = _opener(kind) if colon else None
    if opener is None:
        raise ReaderError(
            ReaderFault.BAD_URI,
            f"{uri!r} names no kind of reader that is installed: expected one of {', '.join(_kinds())}, then a colon.",
            "List what is attached with: prcard readers",
        )
    try:
        opened: Channel | Reader = opener(address)
    except (PRCardError, KeyboardInterrupt):
        raise
    except Exception as error:
        # A kind that plugs in is not ours: whatever it raises becomes our one documented error.
        raise ReaderError(
            ReaderFault.NOT_FOUND, f"The reader kind {kind} failed to open: {error}.", "Check its own documentation."
        ) from error
    return opened


def attached_readers() -> list[tuple[str, str]]:
    """Lists readers that are attached to this machine as (URI, description), without talking to them.

    A kind whose support is not installed, or whose service does not run, has none.
    """
    modules = (importlib.import_module(f"prcard.reader.{kind}") for kind in ATTACHABLE)
    return [found for module in modules for found in module.attached()]


def choose_reader(uri: str | None) -> str:
    """Gives the URI to use: the one asked for, or the only one attached.

    Raises:
        ReaderError: `NOT_FOUND` when nothing is attached, `AMBIGUOUS` with the list when several are.
    """
    if uri is not None:
        return uri
    found = [name for name, _ in attached_readers()]
    if not found:
        raise ReaderError(
            ReaderFault.NOT_FOUND,
            "No reader is attached.",
            "Plug one in, or name one with --reader, for instance --reader tcp:HOST:PORT or --reader sim:alice.",
        )
    if len(found) > 1:
        raise ReaderError(
            ReaderFault.AMBIGUOUS,
            f"{len(found)} readers are attached: {', '.join(found)}.",
            "Name one of them with --reader.",
        )
    return found[0]


def _opener(kind: str) -> Callable[[str], Any] | None:
    if kind in BUILT_IN:
        module, _, name = BUILT_IN[kind].partition(":")
        found: Callable[[str], Any] = getattr(importlib.import_module(module), name)
        return found
    return _plugged_in().get(kind)


def _kinds() -> list[str]:
    return sorted({*BUILT_IN, *_plugged_in()})


def _plugged_in() -> dict[str, Callable[[str], Any]]:
    from importlib.metadata import entry_points

    return {
        point.name: (lambda address, point=point: point.load()(address))  # type: ignore[misc]  # bound per loop turn
        for point in entry_points(group=GROUP)
        if point.name not in BUILT_IN
    }
