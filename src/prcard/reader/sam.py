"""A SAM_V reader on any channel: runs the procedures of `prcard.wire` and returns a `RawCard`."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypeVar

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.channel import SpeedChannel
from prcard.record.raw import ManagementNumbers, Provenance, RawCard, format_sam_id, is_simulated_sam_id
from prcard.wire.host import Fault, FaultKind, HostSession, Reply
from prcard.wire.presence import CardWatch, Sight
from prcard.wire.procedure import Answer, Exchange, Pause, ReadOptions, Speed, find_speed, identify, read_card

if TYPE_CHECKING:
    from types import TracebackType

    from prcard.reader.channel import Channel
    from prcard.wire.procedure import Procedure, Step

__all__ = ["DEFAULT_TIMEOUT_S", "SAMReader"]

DEFAULT_TIMEOUT_S = 10.0

QUIET_S = 0.15
"""Silence in seconds after which a damaged reply is over: some 1,700 byte times at 115200 baud, 140 at 9600."""

INTACT = frozenset({FaultKind.LATE, FaultKind.UNEXPECTED})
"""Faults of a frame that arrived undamaged: it answers something else, and the true reply may be on its way."""

_T = TypeVar("_T")


class SAMReader:
    """One open SAM_V reader; a context manager that closes its channel.

    One thread may use it at a time; a second one is refused with `BUSY`. `close` may be called from any thread.

    Attributes:
        uri: The URI it was opened with.
        transport: Kind of the channel, for instance `serial`.
        sam_id: Printed SAM id, or None when the reader does not tell.
        simulated: True for our simulator, by its kind or by its SAM id.
        baud: Speed of the line that was found, or None where a line has none.
    """

    def __init__(self, channel: Channel, *, uri: str = "", transport: str = "", simulated: bool = False) -> None:
        """Takes over `channel`, finds its speed where it has one, and asks for status and SAM id.

        Raises:
            ReaderError: the reader is silent, talks garbage or is not ready; the channel is closed then.
        """
        self.uri = uri
        self.transport = transport
        self.baud: int | None = None
        self._channel = channel
        self._session = HostSession()
        self._in_use = threading.Lock()
        self._watch_absence = False
        self._card_watch = CardWatch()
        try:
            if isinstance(channel, SpeedChannel):
                self.baud = self._run(find_speed(channel.speeds))
            sam_id = self._run(identify())
        except BaseException:
            channel.close()
            raise
        self.sam_id = format_sam_id(sam_id) if sam_id else None
        self.simulated = simulated or is_simulated_sam_id(self.sam_id)

    def read(self, timeout_s: float = DEFAULT_TIMEOUT_S, options: ReadOptions | None = None) -> RawCard:
        """Waits for a card and reads it, once per presence.

        A card that was read is not read again until it was lifted. Most readers see to that themselves; with one that
        finds the same card again, this object waits until no card is found.

        Args:
            timeout_s: Time for waiting and reading together, in seconds.
            options: What to read beside text and photo.

        Raises:
            ReaderError: no card in time, or card or reader could not be read; says what to do.
            LocalWireError: `timeout_s` is not more than 0.
        """
        asked = options or ReadOptions()
        wanted = ReadOptions(
            fingerprint=asked.fingerprint,
            extra=asked.extra,
            management=asked.management,
            fresh=asked.fresh or self._watch_absence,
        )
        zones = self._run(read_card(time.monotonic(), timeout_s, wanted))
        self._watch_absence = zones.found_again
        self._card_watch.card_was_read(found_again=zones.found_again)
        numbers = zones.management
        return RawCard(
            text=zones.text,
            photo=zones.photo,
            fingerprint=zones.fingerprint,
            extra=zones.extra,
            management=ManagementNumbers(iin=numbers[:4], sn=numbers[4:12], dn=numbers[12:]) if numbers else None,
            provenance=Provenance(
                reader=self.uri,
                transport=self.transport,
                sam_id=self.sam_id,
                simulated=self.simulated,
                read_at=datetime.now(UTC),
            ),
        )

    def look(self) -> Sight:
        """Looks once whether a card lies there, without reading it; poll with it, at most every 300 ms.

        What it can see of a card that was read already depends on the reader: see `prcard.wire.presence`.

        Raises:
            ReaderError: the reader is gone, silent or talks garbage.
        """
        sight = self._run(self._card_watch.look())
        if sight is not Sight.PRESENT:
            self._watch_absence = False
        return sight

    def close(self) -> None:
        """Releases the line; a second call does nothing."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, procedure: Procedure[_T]) -> _T:
        if not self._in_use.acquire(blocking=False):
            raise ReaderError(
                ReaderFault.BUSY, f"{self.uri or 'The reader'} is being read by another thread.", "Wait for its end."
            )
        try:
            step = next(procedure)
            while True:
                step = procedure.send(self._carry_out(step))
        except StopIteration as end:
            result: _T = end.value
            return result
        finally:
            self._in_use.release()

    def _carry_out(self, step: Step) -> Answer:
        match step:
            case Exchange():
                return self._exchange(step)
            case Pause(seconds):
                self._drain(seconds)
            case Speed(baud):
                if isinstance(self._channel, SpeedChannel):
                    self._channel.set_speed(baud)
        return Answer(time.monotonic())

    def _exchange(self, step: Exchange) -> Answer:
        """Sends one request and waits for its reply.

        After a fault the true reply may still follow (line noise before it, or a late reply to an earlier request), so
        the wait goes on: behind damage until the line falls silent, behind an intact frame that answers something else
        until the time is up. It never goes on longer than that, however much arrives.
        """
        self._channel.write(self._session.send(step.command, step.data))
        deadline = time.monotonic() + step.timeout_s
        fault: Fault | None = None
        damaged = False
        while True:
            now = time.monotonic()
            event = self._session.next_event(now)
            if isinstance(event, Reply):
                return Answer(now, reply=event)
            if now >= deadline:
                return self._given_up(now, fault)
            if event is not None:
                damaged = damaged or event.kind not in INTACT
                # A late reply says that the reader is slow, not that anything is wrong with the line.
                fault = fault or (event if event.kind is not FaultKind.LATE else None)
                continue
            data = self._channel.read(self._wait_s(now, deadline, after_damage=damaged))
            now = time.monotonic()
            if not data and damaged:
                return self._given_up(now, fault)
            self._session.receive_data(data, now)

    def _given_up(self, now: float, fault: Fault | None) -> Answer:
        left = self._session.abandon()
        return Answer(now, fault=str(fault or left or ""))

    def _wait_s(self, now: float, deadline: float, *, after_damage: bool) -> float:
        wake = self._session.deadline()
        moments = [deadline, *([wake] if wake is not None else []), *([now + QUIET_S] if after_damage else [])]
        return max(min(moments) - now, 0.0)

    def _drain(self, seconds: float) -> None:
        """Waits, dropping what arrives: late bytes must not be taken for the next reply."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._channel.read(left)
