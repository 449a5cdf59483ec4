"""PC/SC readers through pyscard, which is imported here and nowhere else in this folder (extra `[pcsc]`).

What a counter that runs for days has taught: a context never recovers from the service's death, so every reading makes
its own and releases it; an error inside a card session ends it, and what was read so far is thrown away; nothing frees
a hung transmit, so each reading runs in a thread that is left to itself when it hangs. Which files are read, and in
which order, stands in `prcard.wire.card_application`.

Source: observed with pyscard 2.3, pcsc-lite 1.9.9 and vpcd 3.3.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from prcard.errors import ReaderError, ReaderFault, WireError
from prcard.reader.pcsc_codes import check, explain
from prcard.reader.watchdog import Job, hung
from prcard.record.raw import ManagementNumbers, Provenance, RawCard
from prcard.wire.apdu import APDUProcedure, ResponseAPDU, announces_extended
from prcard.wire.card_application import CardIdentity, CardReading, identify_card, read_pcsc_card
from prcard.wire.procedure import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType, TracebackType

    from prcard.reader.watch import Post, Source

__all__ = [
    "HIDDEN",
    "CardChannel",
    "PCSCReader",
    "attached",
    "fault_of",
    "library",
    "open_reader",
    "reader_names",
    "select",
    "source",
]

POLL_S: Final = 0.1
GHOST_S: Final = 1.0
"""So long the service may go on showing a card that is gone. Source: observed, pcscd looks every 0.4 s."""

T0: Final = 0x0001
"""SCARD_PROTOCOL_T0, as pyscard's connections give it too."""

HIDDEN: Final = ("windows hello",)
"""Readers of the operating system that hold no card of anybody's; only their full name finds them."""

VIRTUAL: Final = ("prcard virtual reader", "virtual pcd")
"""Names of readers in which no card of plastic can lie. Source: ours, and vsmartcard."""


def fault_of(error: Exception) -> ReaderError:
    """Turns an exception of pyscard into our error: it has two hierarchies, and other programs' readers any other."""
    from smartcard.Exceptions import NoCardException

    code = getattr(error, "hresult", None)
    if code is None or (code == 0 and isinstance(error, NoCardException)):
        code = 0x8010000C if isinstance(error, NoCardException) else 0x80100017
    return explain(code)


def library() -> ModuleType:
    """Gives `smartcard.scard`, the raw functions of PC/SC.

    Raises:
        ReaderError: `MISSING_EXTRA` when pyscard or the system's PC/SC library is not installed; says which.
    """
    if sys.platform == "linux":
        try:
            _load_system_library()
        except OSError as error:
            raise ReaderError(
                ReaderFault.MISSING_EXTRA,
                "PC/SC readers need the system's PC/SC library, which is not installed.",
                "Install it, on Debian with: apt-get install libpcsclite1 pcscd; and: pip install 'prcard[pcsc]'",
            ) from error
    try:
        from smartcard import scard
    except ImportError as error:
        raise ReaderError(
            ReaderFault.MISSING_EXTRA,
            "PC/SC readers need pyscard, which is not installed.",
            "Install it with: pip install 'prcard[pcsc]'",
        ) from error
    module: ModuleType = scard
    return module


@cache
def _load_system_library() -> None:
    """Sees that the PC/SC library is there: without it pyscard prints to stdout, and then finds no service."""
    ctypes.CDLL("libpcsclite.so.1")


@contextlib.contextmanager
def context() -> Iterator[Any]:
    """Opens a context with the PC/SC service and releases it whatever happens.

    Raises:
        ReaderError: `SERVICE_DOWN` and others.
    """
    scard = library()
    code, handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    check(code)
    try:
        yield handle
    finally:
        # A context that outlived its service cannot be released; there is nothing left to release then.
        scard.SCardReleaseContext(handle)


def names_of(handle: Any) -> list[str]:
    """Lists the readers that a context sees; [] when there are none.

    Raises:
        ReaderError: the service is gone.
    """
    code, names = library().SCardListReaders(handle, [])
    if code & 0xFFFFFFFF == 0x8010002E:
        return []
    check(code)
    return list(names)


def reader_names() -> list[str]:
    """Lists all PC/SC readers, those that programs have registered with pyscard too.

    Raises:
        ReaderError: the service is not running and nothing is registered, or PC/SC is not installed.
    """
    registered = [str(reader) for reader in _registered()]
    try:
        with context() as handle:
            return [*names_of(handle), *registered]
    except ReaderError:
        if registered:
            return registered
        raise


def _registered() -> list[Any]:
    """Reader objects that a program added to pyscard's factory, for instance a virtual reader of its own."""
    if "smartcard.reader.ReaderFactory" not in sys.modules:
        # Nobody can have added one; and where the system has no PC/SC library, importing pyscard prints to stdout.
        return []
    try:
        from smartcard.pcsc.PCSCReader import PCSCReader as ServiceReader
        from smartcard.reader.ReaderFactory import ReaderFactory
    except ImportError:
        return []
    found = []
    for method in ReaderFactory.factorymethods:
        if method != ServiceReader.readers:
            found += list(method([]))
    return found


def attached() -> list[tuple[str, str]]:
    """Lists PC/SC readers as (URI, description); [] when PC/SC is not installed or not running."""
    try:
        return [(f"pcsc:{name}", "PC/SC") for name in reader_names() if not _hidden(name)]
    except ReaderError:
        return []


def _hidden(name: str) -> bool:
    return any(word in name.lower() for word in HIDDEN)


def select(wanted: str, names: list[str]) -> list[str]:
    """Gives the readers that a name means: the one that is called so, else all whose name contains it.

    Args:
        wanted: Name or part of it, in any case; "" means every reader.
        names: Readers that are there.
    """
    if wanted in names:
        return [wanted]
    return [name for name in names if wanted.lower() in name.lower() and not _hidden(name)]


def open_reader(address: str) -> PCSCReader:
    """Opens `pcsc:` + `address`: the one PC/SC reader whose name is or contains `address`.

    Args:
        address: Name or part of it, "" for the only one; then optionally `?apdu=short`, for cards that promise long
            APDUs and readers that do not carry them.

    Raises:
        ReaderError: `NOT_FOUND`, `AMBIGUOUS` with the names, `SERVICE_DOWN` or `MISSING_EXTRA`.
    """
    name, mark, kind = address.rpartition("?apdu=")
    if not mark:
        name, kind = address, ""
    if mark and kind != "short":
        raise ReaderError(ReaderFault.BAD_URI, f"pcsc:{address}: expected ?apdu=short.", "Correct the reader URI.")
    names = reader_names()
    found = select(name, names)
    if not found:
        there = ", ".join(names) or "none"
        raise ReaderError(
            ReaderFault.NOT_FOUND,
            f"No PC/SC reader is called {name!r}; there are: {there}.",
            "Plug it in, or see what is wrong with: prcard doctor",
        )
    if len(found) > 1:
        raise ReaderError(
            ReaderFault.AMBIGUOUS, f"{len(found)} PC/SC readers match: {', '.join(found)}.", "Give one name in full."
        )
    return PCSCReader(found[0], extended=not mark)


def source(names: list[str], post: Post) -> Source:
    """Gives what watches the PC/SC readers whose names contain one of `names`; see `prcard.reader.watch`."""
    from prcard.reader.pcsc_watch import PCSCSource

    return PCSCSource(names, post)


class CardChannel(Protocol):
    """One connection to one card: bytes out, bytes in."""

    @property
    def atr(self) -> bytes:
        """Answer to reset."""

    @property
    def t0(self) -> bool:
        """True when card and reader speak T=0, which knows neither long commands nor data both ways at once."""

    def transmit(self, command: bytes) -> bytes:
        """Sends a command APDU and gives the response APDU.

        Raises:
            ReaderError: the card was lifted, or reader or service is gone; the connection is of no use any more.
        """

    def close(self) -> None:
        """Ends the connection; never raises."""


class _ServiceChannel:
    """A card in a reader of the PC/SC service, for one session, inside a transaction."""

    def __init__(self, handle: Any, name: str) -> None:
        self._scard = scard = library()
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, self._card, protocol = scard.SCardConnect(handle, name, scard.SCARD_SHARE_SHARED, protocols)
        check(code)
        self.t0 = protocol == scard.SCARD_PROTOCOL_T0
        self._header = scard.SCARD_PCI_T0 if self.t0 else scard.SCARD_PCI_T1
        try:
            # Other programs wait meanwhile, so that no command of theirs comes between two of ours.
            check(scard.SCardBeginTransaction(self._card))
            code, _, _, _, atr = scard.SCardStatus(self._card)
            check(code)
        except ReaderError:
            self.close()
            raise
        self.atr = bytes(atr)

    def transmit(self, command: bytes) -> bytes:
        """See `CardChannel.transmit`."""
        code, response = self._scard.SCardTransmit(self._card, self._header, list(command))
        check(code)
        if len(response) < 2:
            raise explain(0)
        return bytes(response)

    def close(self) -> None:
        """See `CardChannel.close`."""
        self._scard.SCardEndTransaction(self._card, self._scard.SCARD_LEAVE_CARD)
        self._scard.SCardDisconnect(self._card, self._scard.SCARD_LEAVE_CARD)


class _ObjectChannel:
    """A card in a reader object that a program registered with pyscard."""

    def __init__(self, reader: Any) -> None:
        try:
            self._connection = reader.createConnection()
            self._connection.connect()
            self.atr = bytes(self._connection.getATR())
            self.t0 = self._connection.getProtocol() == T0
        except Exception as error:
            raise fault_of(error) from error

    def transmit(self, command: bytes) -> bytes:
        """See `CardChannel.transmit`."""
        try:
            data, sw1, sw2 = self._connection.transmit(list(command))
        except Exception as error:
            raise fault_of(error) from error
        return bytes((*data, sw1, sw2))

    def close(self) -> None:
        """See `CardChannel.close`."""
        with contextlib.suppress(Exception):
            self._connection.disconnect()
        with contextlib.suppress(Exception):
            self._connection.release()


_T = TypeVar("_T")


class PCSCReader:
    """One PC/SC reader; a context manager. Nothing is held between two readings.

    Args:
        name: Its full name.
        extended: False never uses extended lengths, whatever the card says.

    Attributes:
        uri: `pcsc:` and the name.
        sam_id: None: PC/SC knows no SAM id.
        simulated: True when the name is that of a virtual reader, or when the last card said that it is simulated.
    """

    transport = "pcsc"
    sam_id: str | None = None

    def __init__(self, name: str, *, extended: bool = True) -> None:
        self.name = name
        self.uri = f"pcsc:{name}"
        self.simulated = any(name.lower().startswith(word) for word in VIRTUAL)
        self._extended = extended
        self._in_use = threading.Lock()
        self._closed = threading.Event()
        self._stuck: threading.Thread | None = None
        self._read_presence: int | None = None
        self._lost: tuple[int | None, float] = (None, 0.0)

    def read(self, timeout_s: float = 10.0, options: ReadOptions | None = None) -> RawCard:
        """Waits for a card and reads it, once per presence.

        Args:
            timeout_s: Time for waiting and reading together, in seconds.
            options: What to read beside text and photo.

        Raises:
            ReaderError: no card in time, or card, reader or service failed; says what to do.
        """
        wanted = options or ReadOptions()
        reading = self._guarded(timeout_s, lambda job: self._read(job, wanted))
        numbers = reading.management
        self.simulated = self.simulated or reading.identity.simulated
        return RawCard(
            text=reading.text,
            photo=reading.photo,
            fingerprint=reading.fingerprint,
            extra=reading.extra,
            management=ManagementNumbers(iin=numbers[:4], sn=numbers[4:12], dn=numbers[12:]) if numbers else None,
            security_object=reading.security_object,
            provenance=Provenance(
                reader=self.uri,
                transport=self.transport,
                simulated=self.simulated,
                read_at=datetime.now(UTC),
            ),
        )

    def identify(self, timeout_s: float = 10.0) -> CardIdentity:
        """Waits for a card and tells what it is: kind, chip serial and, of a state card, management number.

        Raises:
            ReaderError: as for `read`.
        """
        return self._guarded(timeout_s, lambda job: self._session(job, lambda channel: identify_card(channel.atr)))

    def forget(self) -> None:
        """Lets the card that lies there be read once more."""
        self._read_presence = None

    def close(self) -> None:
        """Ends a reading that waits for a card; a second call does nothing."""
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _guarded(self, timeout_s: float, work: Callable[[Job], _T]) -> _T:
        """Runs `work` in a thread of its own and gives it up when it hangs."""
        if not self._in_use.acquire(blocking=False):
            raise ReaderError(ReaderFault.BUSY, f"{self.uri} is being read by another thread.", "Wait for its end.")
        try:
            if self._stuck is not None and self._stuck.is_alive():
                raise hung(self.uri)
            job = Job(time.monotonic() + timeout_s, timeout_s, self._closed)
            thread = threading.Thread(target=job.run, args=(work,), name=f"prcard-{self.uri}", daemon=True)
            thread.start()
            if not job.await_end():
                self._stuck = thread
                raise hung(self.uri)
        finally:
            self._in_use.release()
        if job.error is not None:
            raise job.error
        result: _T = job.result
        return result

    def _read(self, job: Job, options: ReadOptions) -> CardReading:
        if options.fresh:
            self._read_presence = self._presence()
        reading = self._session(
            job,
            lambda channel: read_pcsc_card(
                channel.atr,
                fingerprint=options.fingerprint,
                extra=options.extra,
                management=options.management,
                extended=self._extended and not channel.t0 and announces_extended(channel.atr),
            ),
            unread=True,
        )
        self._read_presence = job.presence
        return reading

    def _session(self, job: Job, procedure: Callable[[CardChannel], APDUProcedure[_T]], *, unread: bool = False) -> _T:
        registered = self._registered()
        if registered is not None:
            job.presence = self._presence()
            while unread and job.presence is not None and job.presence == self._read_presence:
                job.begin()
                if job.over(POLL_S):
                    raise _not_lifted(job)
                job.presence = self._presence()
            return self._attempt(job, lambda: _ObjectChannel(registered), procedure)
        with context() as handle:
            while True:
                job.presence = self._await_card(job, handle, unread=unread)
                try:
                    return self._attempt(job, lambda: _ServiceChannel(handle, self.name), procedure)
                except ReaderError as error:
                    if error.fault is not ReaderFault.CARD_REMOVED:
                        raise
                    self._lost = job.presence, time.monotonic() + GHOST_S
                    if job.answered or job.over(0):
                        raise
                    # It was gone before it said anything: the service still showed a card that had been lifted.

    def _attempt(
        self, job: Job, connect: Callable[[], CardChannel], procedure: Callable[[CardChannel], APDUProcedure[_T]]
    ) -> _T:
        """Connects, as soon as there is a card and nobody else holds it, and runs a procedure on it."""
        while True:
            try:
                job.begin()
                channel = connect()
                break
            except ReaderError as error:
                if error.fault not in {ReaderFault.NO_CARD, ReaderFault.BUSY} or job.over(POLL_S):
                    raise
        try:
            return self._run(job, channel, procedure(channel))
        finally:
            job.begin()
            channel.close()

    def _run(self, job: Job, channel: CardChannel, procedure: APDUProcedure[_T]) -> _T:
        try:
            command = next(procedure)
            while True:
                job.begin()
                sent = command.serialize_t0() if channel.t0 else command.serialize()
                try:
                    received = channel.transmit(sent)
                except ReaderError:
                    # Whether the card went or the reader cannot carry such lengths is not told apart: the next
                    # reading is made of short commands.
                    self._extended = self._extended and not command.extended
                    raise
                job.answered = True
                command = procedure.send(ResponseAPDU.parse(received))
        except StopIteration as end:
            result: _T = end.value
            return result
        except WireError as error:
            raise ReaderError(
                ReaderFault.CARD_UNREADABLE, f"What the card answers makes no sense: {error}.", "Lay it down again."
            ) from error

    def _registered(self) -> Any:
        return next((reader for reader in _registered() if str(reader) == self.name), None)

    def _presence(self) -> int | None:
        registered = self._registered()
        if registered is not None:
            # Ours count the insertions; another program's reader object tells nothing, and is read at every call.
            return getattr(registered, "presence", None)
        with context() as handle:
            state, present = self._state(handle, 0, 0)
            return state >> 16 if present else None

    def _state(self, handle: Any, known: int, wait_ms: int) -> tuple[int, bool]:
        scard = library()
        code, states = scard.SCardGetStatusChange(handle, wait_ms, [(self.name, known)])
        if code & 0xFFFFFFFF == 0x8010000A:
            return known, bool(known & scard.SCARD_STATE_PRESENT)
        check(code)
        state = states[0][1]
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise explain(0x80100009)
        return state & ~scard.SCARD_STATE_CHANGED, bool(state & scard.SCARD_STATE_PRESENT)

    def _await_card(self, job: Job, handle: Any, *, unread: bool) -> int:
        """Waits for a card that was not read yet and gives the number of its presence."""
        state, present = self._state(handle, 0, 0)
        while not present or (unread and state >> 16 == self._read_presence) or self._is_ghost(state >> 16):
            job.begin()
            if job.over(0):
                if present:
                    raise _not_lifted(job)
                raise ReaderError(
                    ReaderFault.NO_CARD, f"No card within {job.timeout_s:g} s.", "Lay a card on the reader."
                )
            state, present = self._state(handle, state, 100)
        return state >> 16

    def _is_ghost(self, presence: int) -> bool:
        """Tells whether the service may still show a card that was lifted in the middle of the last reading."""
        lost, until = self._lost
        return presence == lost and time.monotonic() < until


def _not_lifted(job: Job) -> ReaderError:
    return ReaderError(
        ReaderFault.CARD_NOT_LIFTED,
        f"The card that was read already still lies on the reader after {job.timeout_s:g} s.",
        "Lift it, then lay the next card down.",
    )
