"""What is asked outside the card: the authority's online check, and a face comparison. Interfaces only.

Three calls and no more; each answers match, no match or not available, and never with personal data. Who asks and how
long is not decided here (`prcard.store.online`). A face comparison hands over a score and the id of its evidence; no
picture and no template passes here.

Source: NIA measures of 2019-09-11 on authentication of exit-entry documents (trial; known from a summary and not
confirmed in detail): real-name, real-person and chip reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING, Final, Protocol

from prcard.errors import FieldProblem, RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from prcard.record.raw import RawCard

__all__ = ["NOTHING_ASKED", "ONLINE_CALLS", "FaceComparison", "OnlineAnswer", "OnlineCheck", "Outside"]

ONLINE_CALLS: Final = ("real-name", "real-person", "chip-reading")
_EVIDENCE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@unique
class OnlineAnswer(Enum):
    """All that an online check may answer."""

    MATCH = "match"
    NO_MATCH = "no-match"
    NOT_AVAILABLE = "not-available"


class OnlineCheck(Protocol):
    """A service that checks a card online; its operator has the duty and the contract to ask."""

    @property
    def simulated(self) -> bool:
        """True for a stand-in; its answers count in training only."""
        ...

    def real_name(self, name: str, number: str, birth_date: date) -> OnlineAnswer:
        """Asks whether name, document number and birth date belong together."""
        ...

    def real_person(self, number: str, portrait: bytes) -> OnlineAnswer:
        """Asks whether a portrait taken now shows the holder."""
        ...

    def chip_reading(self, card: RawCard) -> OnlineAnswer:
        """Asks whether these zones are those of the card."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceComparison:
    """What a face comparison hands over.

    Attributes:
        score: From 0 to 1.
        evidence_id: Where its maker finds the case again; letters, digits and `._:-`, at most 64.
    """

    score: float
    evidence_id: str

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise RecordError(FieldProblem("score", None, "a number from 0 to 1", "another one"))
        if not _EVIDENCE_ID.fullmatch(self.evidence_id):
            raise RecordError(FieldProblem("evidence_id", None, "1 to 64 letters, digits and ._:-", "another text"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What was asked outside the card about it.

    Attributes:
        online: Call, one of `ONLINE_CALLS`, to answer; what was not asked is not there.
        simulated: True when a stand-in answered.
        face: A face comparison, if there was one.
    """

    online: Mapping[str, OnlineAnswer] = field(default_factory=dict)
    simulated: bool = False
    face: FaceComparison | None = None


NOTHING_ASKED: Final = Outside()
