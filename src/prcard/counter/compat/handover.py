"""What the makers' shapes have in common: wait for a card, hand it over once if asked, and put its fields into words.

A card whose verdict is FAILED is not handed over: a page of that kind knows no verdict and would take it for good. Each
handing over is booked as a reveal of every field.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING

from prcard.acceptance.messages import REASONS
from prcard.acceptance.verdict import Outcome
from prcard.counter.presence import Stage, photo_kind
from prcard.counter.refusals import Refusal, RefusedError
from prcard.counter.station import StationState
from prcard.counter.texts import FAULTS
from prcard.errors import ReaderError
from prcard.record.codes import NATION, SEX, country_by_alpha3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prcard.counter.presence import Presence
    from prcard.counter.service import Counter
    from prcard.errors import AuditError

__all__ = ["Handed", "Handover", "NotHandedError", "Trouble"]


@unique
class Trouble(Enum):
    """Why nothing is handed over."""

    NO_READER = "no reader"
    NO_CARD = "no card"
    UNREAD = "the card could not be read"
    NOT_ACCEPTED = "the verdict is FAILED"
    BUSY = "another request is being answered"


class NotHandedError(Exception):
    """Nothing is handed over; `zh` says why, for the page to show."""

    def __init__(self, trouble: Trouble, zh: str) -> None:
        """Keeps both."""
        self.trouble = trouble
        self.zh = zh
        super().__init__(trouble.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A card as the shapes need it; a field that the profile does not show is empty.

    Attributes:
        layout: `resident`, `hkmt`, `pr2017` or `pr2023`.
        fields: Field -> text as it stands on the card.
        photo: The photo in base64 where it can be shown, else "".
        sam_id: Printed SAM id.
    """

    layout: str
    fields: Mapping[str, str] = field(repr=False)
    photo: str = field(repr=False)
    sam_id: str

    def get(self, name: str) -> str:
        """The text of a field; "" when the card or the profile gives none."""
        return self.fields.get(name, "")

    def day(self, name: str) -> str:
        """A date as eight digits; 长期 stays as it is."""
        return self.get(name).replace("-", "")

    @property
    def name(self) -> str:
        """The Chinese name, else the English one."""
        return self.get("name") or self.get("chinese_name") or self.get("english_name")

    @property
    def sex(self) -> str:
        """男 or 女, or what the code stands for."""
        meaning = SEX.get(self.get("sex"))
        return meaning.zh if meaning else ""

    @property
    def nation(self) -> str:
        """Ethnicity of a resident, country and code of a foreigner, for instance 加拿大/CAN."""
        alpha3 = self.get("nationality")
        if alpha3:
            country = country_by_alpha3(alpha3)
            return f"{country.zh if country else ''}/{alpha3}"
        meaning = NATION.get(self.get("nation"))
        return meaning.zh if meaning else self.get("nation")


def _in_words(error: ReaderError | AuditError) -> str:
    if not isinstance(error, ReaderError):
        return Refusal.NOT_LOGGED.zh
    (what, _), (advice, _) = FAULTS[error.fault]
    return f"{what}，{advice}"


class Handover:
    """Hands cards over to one maker's pages.

    Args:
        counter: Where the cards are.
        vendor: Name of the maker, for the books.
    """

    def __init__(self, counter: Counter, vendor: str) -> None:
        self._counter = counter
        self._vendor = vendor
        self._given = ""
        self._busy = False

    async def card(self, wait_s: float, *, once: bool = False, origin: str = "") -> Handed:
        """Waits for a card that lies on a reader and was judged.

        Args:
            wait_s: Longest wait in seconds.
            once: True does not hand the same card over again until it was lifted.
            origin: Page that asks, for the books.

        Raises:
            NotHandedError: there is none in time, or it may not be handed over.
        """
        if self._busy:
            raise NotHandedError(Trouble.BUSY, "读卡中，请稍候")
        self._busy = True
        try:
            return self._hand(await self._wait(wait_s, once=once), origin)
        finally:
            self._busy = False

    def sam_id(self) -> str:
        """SAM id of the reader of the card that lies there; "" when none is known."""
        found = self._present()
        raw = found.raw if found else None
        return (raw.provenance.sam_id if raw else None) or ""

    async def _wait(self, wait_s: float, *, once: bool) -> Presence:
        loop, happened = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(happened.set)

        listener = self._counter.hub.listen(None, wake)
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    happened.clear()
                    if listener is not None:
                        with contextlib.suppress(BrokenPipeError):
                            listener.take()
                    found = self._present()
                    if (
                        found is not None
                        and found.stage is not Stage.READING
                        and not (once and found.id == self._given)
                    ):
                        return found
                    await happened.wait()
        except TimeoutError:
            raise self._nothing() from None
        finally:
            if listener is not None:
                listener.close()

    def _present(self) -> Presence | None:
        cards = (station.presence for station in self._counter.stations)
        return next((card for card in cards if card is not None and card.lifted_at is None), None)

    def _nothing(self) -> NotHandedError:
        if all(station.state is StationState.LOST for station in self._counter.stations):
            return NotHandedError(Trouble.NO_READER, "未找到读卡器")
        return NotHandedError(Trouble.NO_CARD, "请放证件")

    def _hand(self, found: Presence, origin: str) -> Handed:
        if found.error is not None:
            raise NotHandedError(Trouble.UNREAD, _in_words(found.error))
        if found.verdict is None or found.raw is None or found.verdict.outcome is Outcome.FAILED:
            failed = found.verdict.failed if found.verdict is not None else ()
            reasons = [REASONS[check.reason].zh for check in failed]
            raise NotHandedError(Trouble.NOT_ACCEPTED, f"核验不通过：{'、'.join(reasons)}")
        try:
            who = f"{self._vendor} {origin}".strip()
            fields = self._counter.reveal(found.id, found.allowed(), who)
        except RefusedError as error:
            raise NotHandedError(Trouble.NO_CARD, error.refusal.zh) from error
        self._given = found.id
        photo = found.raw.photo.rstrip(b"\0") if photo_kind(found.raw, found.policy) == "png" else b""
        return Handed(
            layout=fields.get("layout") or "",
            fields={name: value for name, value in fields.items() if value is not None},
            photo=base64.b64encode(photo).decode("ascii"),
            sam_id=found.raw.provenance.sam_id or "",
        )
