"""One card lying on one reader: from the moment it is laid down until it is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING, Any

from prcard.acceptance.masking import mask_document
from prcard.counter.refusals import Refusal
from prcard.errors import AuditError, ReaderError, RecordError
from prcard.record import decode, explain, to_document
from prcard.record.capture import provenance_document
from prcard.record.codes import ICAO_CODES, NATION, SEX, CodeText, country_by_alpha3
from prcard.record.photo import parse_photo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from prcard.acceptance.verdict import Verdict
    from prcard.counter.policy import Policy
    from prcard.record.raw import RawCard

__all__ = ["Presence", "Stage", "meanings_of", "photo_kind"]


@unique
class Stage(Enum):
    """How far a presence has come."""

    READING = "reading"
    JUDGED = "judged"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A card on a reader. It is in memory only, and forgotten soon after the card was lifted.

    Attributes:
        id: Random id, good for this presence only.
        reader: Id of the station.
        inserted_at: When the card was seen.
        policy: The rules it is judged by.
        stage: How far it has come.
        raw: What was read.
        verdict: What may be said of it.
        error: Why it could not be read.
        lifted_at: When the card was lifted; None while it lies there.
    """

    id: str
    reader: str
    inserted_at: datetime
    policy: Policy
    stage: Stage = Stage.READING
    raw: RawCard | None = field(default=None, repr=False)
    verdict: Verdict | None = None
    error: ReaderError | AuditError | None = None
    lifted_at: datetime | None = None

    def to_document(self) -> dict[str, Any]:
        """The JSON form, masked by the profile's level whatever was asked for."""
        raw = self.raw
        return {
            "presence": self.id,
            "reader": self.reader,
            "stage": self.stage.value,
            "training": self.policy.training,
            "profile": self.policy.profile.name,
            "inserted_at": _moment(self.inserted_at),
            "lifted_at": _moment(self.lifted_at),
            "record": self.masked(),
            "labels": self._labels(),
            "may_show": self.allowed(),
            "may_print": [name for name in self.allowed() if self.policy.may_print(name)],
            "photo": None if raw is None else photo_kind(raw, self.policy),
            "verdict": None if self.verdict is None else self.verdict.to_document(),
            "provenance": None if raw is None else provenance_document(raw.provenance),
            "error": None if self.error is None else _error(self.error),
        }

    def masked(self) -> dict[str, str | None] | None:
        """The record as the profile's mask shows it, and what it may not show hidden; None without a record."""
        document, profile = self._document(), self.policy.profile
        return None if document is None else mask_document(document, profile.mask_level, (), profile.may_show)

    def allowed(self) -> list[str]:
        """Fields that may be shown to somebody who asks."""
        return [name for name in self._document() or {} if self.policy.may_show(name)]

    def reveal(self, names: frozenset[str]) -> dict[str, str | None]:
        """The fields that were asked for and may be shown, as they stand on the card."""
        return {name: value for name, value in (self._document() or {}).items() if name in names & {*self.allowed()}}

    def _document(self) -> dict[str, str | None] | None:
        if self.raw is None:
            return None
        try:
            return to_document(decode(self.raw.text))
        except RecordError:
            return None

    def _labels(self) -> dict[str, dict[str, str]]:
        if self.raw is None or self._document() is None:
            return {}
        return {view.name: {"zh": view.zh, "en": view.en} for view in explain(self.raw.text)}


def meanings_of(fields: Mapping[str, str | None]) -> dict[str, CodeText]:
    """Gives what the codes of sex, ethnicity and nationality stand for; those that no table knows are left out."""
    country = country_by_alpha3(fields.get("nationality") or "")
    found = {
        "sex": SEX.get(fields.get("sex") or ""),
        "nation": NATION.get(fields.get("nation") or ""),
        "nationality": CodeText(country.zh, country.en) if country else ICAO_CODES.get(fields.get("nationality") or ""),
    }
    return {name: text for name, text in found.items() if text is not None}


def photo_kind(raw: RawCard, policy: Policy) -> str:
    """Tells what can be done with a photo: `png` show it; else why not: `wlt`, `blank`, `unknown`, `withheld`."""
    if not policy.show_photo:
        return "withheld"
    try:
        kind = parse_photo(raw.photo).kind
    except RecordError:
        return "unknown"
    return "png" if kind == "specimen-png" else kind


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")


def _error(error: ReaderError | AuditError) -> dict[str, str]:
    if isinstance(error, ReaderError):
        return {"fault": error.fault.value, "message": str(error), "advice": error.advice}
    # The message names a file of this machine, which is for the log and not for a page.
    return {"fault": Refusal.NOT_LOGGED.code, "message": Refusal.NOT_LOGGED.en, "advice": "Ask support."}
