"""What a purpose keeps of a card, field by field, and how it goes again: live, frozen, deleted with a tombstone.

    live      the purpose lasts; the value is there to be used
    frozen    the purpose has ended, but the law asks that the value be kept: stored, and not used any more
    deleted   the floor has passed: the value is gone, and that it was there stays known

One file for each card, readable by its owner only. A field without a rule in the profile is never written. Deleting a
value rewrites the file; what a disk keeps of older blocks is for the disk's encryption.

Source: Personal Information Protection Law, articles 19 and 47; until = the later of the end of the purpose and of the
floor.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum, unique
from typing import TYPE_CHECKING, Any, Final

from prcard.acceptance.profile import Begin, Period
from prcard.errors import AuditError, CaptureError
from prcard.record import decode, to_document
from prcard.store.captures import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prcard.acceptance.profile import Profile
    from prcard.record.raw import RawCard

__all__ = ["Kept", "KeptField", "KeptState", "end_purpose", "keep_card", "list_kept", "load_kept", "purge"]

FORMAT: Final = "prcard-kept"
MAX_KEPT_BYTES: Final = 65_536
_ID: Final = re.compile(r"[0-9a-f]{16}")


@unique
class KeptState(Enum):
    """Where a value is on its way out."""

    LIVE = "live"
    FROZEN = "frozen"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptField:
    """One field with the rule by which it is kept.

    Attributes:
        value: Its value; None once it is deleted. A photo is in base64.
        floor: How long the law asks for at least.
        counted_from: From when the floor counts.
        state: Where it is.
        deleted_on: When it was deleted.
    """

    value: str | None = field(repr=False)
    floor: Period
    counted_from: Begin
    state: KeptState = KeptState.LIVE
    deleted_on: date | None = None

    def until(self, kept_on: date, purpose_end: date | None) -> date | None:
        """Gives the last day on which the value stays; None when it has no last day, or none is known yet."""
        if purpose_end is None:
            return None
        begin = kept_on if self.counted_from is Begin.RECORDED else purpose_end + timedelta(days=1)
        floor = self.floor.end(begin)
        return None if floor is None else max(purpose_end, floor)

    def state_on(self, today: date, kept_on: date, purpose_end: date | None) -> KeptState:
        """Gives the state that belongs to a day; what is deleted stays so."""
        if self.state is KeptState.DELETED:
            return KeptState.DELETED
        if purpose_end is None or today <= purpose_end:
            return KeptState.LIVE
        until = self.until(kept_on, purpose_end)
        return KeptState.FROZEN if until is None or today <= until else KeptState.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of one card.

    Attributes:
        record_id: Its id, 16 hexadecimal digits.
        profile: By which profile.
        profile_version: Its version.
        kept_on: Since when.
        purpose_end: When the purpose ended or will end; None while that is not known.
        fields: Field by name.
    """

    record_id: str
    profile: str
    profile_version: str
    kept_on: date
    purpose_end: date | None
    fields: Mapping[str, KeptField]

    def usable(self) -> dict[str, str]:
        """Gives the values that may be used: the live ones only."""
        return {
            name: kept.value
            for name, kept in self.fields.items()
            if kept.state is KeptState.LIVE and kept.value is not None
        }

    def summary(self) -> dict[str, Any]:
        """The JSON form without any value of the card."""
        return {
            "record": self.record_id,
            "profile": self.profile,
            "profile_version": self.profile_version,
            "kept_on": self.kept_on.isoformat(),
            "purpose_end": None if self.purpose_end is None else self.purpose_end.isoformat(),
            "fields": {
                name: {
                    "state": kept.state.value,
                    "until": _iso(kept.until(self.kept_on, self.purpose_end)),
                    "deleted_on": _iso(kept.deleted_on),
                }
                for name, kept in self.fields.items()
            },
        }


def keep_card(folder: Path, raw: RawCard, profile: Profile, on: date, purpose_end: date | None = None) -> Kept:
    """Keeps of a card what the profile lets be kept, and nothing else.

    Args:
        folder: Where; made with mode 0700 when it is not there.
        raw: The card.
        profile: By which rules.
        on: The day.
        purpose_end: The last day of the purpose, when it is known already.

    Raises:
        AuditError: the profile keeps nothing, or the file cannot be written.
        RecordError: the text does not decode.
    """
    if not profile.keep:
        raise AuditError(f"profile {profile.name}: expected rules [[keep]], found none: it keeps nothing")
    present: dict[str, Any] = to_document(decode(raw.text))
    present["photo"] = base64.b64encode(raw.photo).decode()
    fields = {
        name: KeptField(value=str(present[name]), floor=rule.floor, counted_from=rule.counted_from)
        for rule in profile.keep
        for name in rule.fields
        if present.get(name)
    }
    kept = Kept(
        record_id=secrets.token_hex(8),
        profile=profile.name,
        profile_version=profile.version,
        kept_on=on,
        purpose_end=purpose_end,
        fields=fields,
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AuditError(f"{folder}: expected a folder that can be made, found: {error.strerror}; check it") from error
    _save(folder, kept)
    return kept


def load_kept(folder: Path, record_id: str) -> Kept:
    """Loads what is kept of one card.

    Raises:
        AuditError: there is no such record, or its file is not in order.
    """
    if not _ID.fullmatch(record_id):
        raise AuditError("record: expected an id of 16 hexadecimal digits, found another text; see prcard audit kept")
    path = folder / f"{record_id}.json"
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_KEPT_BYTES))
        if document["format"] != FORMAT or document["record"] != record_id:
            raise ValueError
        return _of_document(document)
    except OSError as error:
        raise AuditError(f"{path}: expected a kept record, found: {error.strerror}; see prcard audit kept") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AuditError(f"{path}: expected a kept record, found something else; restore it from a backup") from error


def list_kept(folder: Path) -> Iterator[Kept]:
    """Gives all that is kept in a folder, in the order of its ids.

    Raises:
        AuditError: the folder or a record in it cannot be read.
    """
    try:
        names = sorted(path.stem for path in folder.iterdir() if path.suffix == ".json" and _ID.fullmatch(path.stem))
    except OSError as error:
        raise AuditError(f"{folder}: expected a folder that can be read, found: {error.strerror}; check it") from error
    for name in names:
        yield load_kept(folder, name)


def end_purpose(folder: Path, record_id: str, day: date) -> Kept:
    """Says when the purpose of a record ends: its last day. From the next day on its values are frozen or deleted.

    Raises:
        AuditError: there is no such record, it lies before the day of keeping, or the file cannot be written.
    """
    kept = load_kept(folder, record_id)
    if day < kept.kept_on:
        raise AuditError(f"day: expected {kept.kept_on} or later, the day of keeping, found {day}; correct it")
    ended = replace(kept, purpose_end=day)
    _save(folder, ended)
    return ended


def purge(folder: Path, today: date) -> Iterator[tuple[Kept, dict[str, KeptState]]]:
    """Applies the rules to every record; gives those that changed, with the new states of the fields that did.

    Run it again after a crash: each record is changed whole or not at all.

    Raises:
        AuditError: the folder or a record in it cannot be read or written.
    """
    for kept in list_kept(folder):
        states = {name: entry.state_on(today, kept.kept_on, kept.purpose_end) for name, entry in kept.fields.items()}
        changed = {name: state for name, state in states.items() if state is not kept.fields[name].state}
        if changed:
            fields = {name: _in_state(entry, states[name], today) for name, entry in kept.fields.items()}
            purged = replace(kept, fields=fields)
            _save(folder, purged)
            yield purged, changed


def _in_state(kept: KeptField, state: KeptState, today: date) -> KeptField:
    if state is KeptState.DELETED and kept.state is not KeptState.DELETED:
        return replace(kept, value=None, state=state, deleted_on=today)
    return replace(kept, state=state)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _save(folder: Path, kept: Kept) -> None:
    document = {
        "format": FORMAT,
        "version": 1,
        "record": kept.record_id,
        "profile": kept.profile,
        "profile_version": kept.profile_version,
        "kept_on": kept.kept_on.isoformat(),
        "purpose_end": _iso(kept.purpose_end),
        "fields": {
            name: {
                "value": entry.value,
                "floor": str(entry.floor),
                "counted_from": entry.counted_from.value,
                "state": entry.state.value,
                "deleted_on": _iso(entry.deleted_on),
            }
            for name, entry in kept.fields.items()
        },
    }
    path = folder / f"{kept.record_id}.json"
    try:
        write_whole(path, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
    except CaptureError as error:
        raise AuditError(f"{path}: expected a file that can be written, found one that cannot; make room") from error


def _of_document(document: Mapping[str, Any]) -> Kept:
    end = document["purpose_end"]
    return Kept(
        record_id=document["record"],
        profile=str(document["profile"]),
        profile_version=str(document["profile_version"]),
        kept_on=date.fromisoformat(document["kept_on"]),
        purpose_end=None if end is None else date.fromisoformat(end),
        fields={name: _field_of(entry) for name, entry in document["fields"].items()},
    )


def _field_of(entry: Mapping[str, Any]) -> KeptField:
    deleted = entry["deleted_on"]
    return KeptField(
        value=entry["value"],
        floor=Period.parse(entry["floor"]),
        counted_from=Begin(entry["counted_from"]),
        state=KeptState(entry["state"]),
        deleted_on=None if deleted is None else date.fromisoformat(deleted),
    )
