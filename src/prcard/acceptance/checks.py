"""Checks 1 to 10 and 17 to 19, each a function of its own; 11 to 16 are made where signatures are verified.

A check looks at one thing and says what it found; whether that decides anything is the profile's matter.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prcard.acceptance import rules
from prcard.acceptance.as_of import CHINA, china_day
from prcard.acceptance.outside import OnlineAnswer
from prcard.acceptance.verdict import Check, CheckOutcome, EvidenceLevel
from prcard.errors import RecordError
from prcard.record import PermanentResident2017, PermanentResident2023, ResidentIdentityCard, decode, encode
from prcard.record.codes import ICAO_CODES, NATION, PROVINCE, SEX, country_by_alpha3
from prcard.record.kinds import LongTerm, Reserved, Text
from prcard.record.photo import parse_photo
from prcard.record.raw import EXTRA_BYTES, EXTRA_MAX_COUNT, FINGERPRINT_BYTES, PHOTO_BYTES, TEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from prcard.acceptance.outside import Outside
    from prcard.acceptance.profile import Profile
    from prcard.record import CardRecord
    from prcard.record.raw import RawCard

__all__ = [
    "CHINA",
    "RECORD_CHECKS",
    "Subject",
    "china_day",
    "evidence_check",
    "face_compare",
    "is_specimen",
    "listed",
    "online_check",
    "run_checks",
]

_PASSED, _NOTED, _FAILED = CheckOutcome.PASSED, CheckOutcome.NOTED, CheckOutcome.FAILED
_UNCLEAR, _NOT_CHECKED = CheckOutcome.INDETERMINATE, CheckOutcome.NOT_CHECKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged.

    Attributes:
        raw: The bytes.
        record: The decoded text; None when it is refused.
        refusal: Why it is refused.
        profile: The rules.
        at: Aware moment.
    """

    raw: RawCard
    record: CardRecord | None
    refusal: RecordError | None
    profile: Profile
    at: datetime

    @classmethod
    def of(cls, raw: RawCard, profile: Profile, at: datetime) -> Subject:
        """Decodes the text once for all checks."""
        try:
            return cls(raw=raw, record=decode(raw.text), refusal=None, profile=profile, at=at)
        except RecordError as refusal:
            return cls(raw=raw, record=None, refusal=refusal, profile=profile, at=at)


def run_checks(subject: Subject) -> Iterator[Check]:
    """Runs checks 1 to 10 in order; without a record the checks that need one say so."""
    yield zones_complete(subject)
    yield text_decodes(subject)
    for code, check in RECORD_CHECKS.items():
        if subject.record is None:
            yield Check(code=code, outcome=_NOT_CHECKED, reason="needs-record")
        else:
            yield check(subject, subject.record)
    yield photo_header(subject)
    yield provenance(subject)


def zones_complete(subject: Subject) -> Check:
    """Check 1: every zone has a length that a card can have."""
    raw = subject.raw
    wrong = [
        reason
        for reason, good in (
            ("text-zone-length", len(raw.text) == TEXT_BYTES),
            ("photo-zone-length", len(raw.photo) == PHOTO_BYTES),
            ("fingerprint-zone-length", len(raw.fingerprint) in FINGERPRINT_BYTES),
            (
                "extra-zone-length",
                len(raw.extra) <= EXTRA_MAX_COUNT and all(len(entry) == EXTRA_BYTES for entry in raw.extra),
            ),
        )
        if not good
    ]
    evidence = {
        "text_bytes": len(raw.text),
        "photo_bytes": len(raw.photo),
        "fingerprint_bytes": len(raw.fingerprint),
        "extra_count": len(raw.extra),
    }
    return _from_reasons("zones-complete", wrong, evidence)


def text_decodes(subject: Subject) -> Check:
    """Check 2: the text is of a known edition and every field is as its layout says."""
    record, refusal = subject.record, subject.refusal
    if record is None:
        problems = refusal.problems if refusal else ()
        unknown = [problem for problem in problems if problem.field == "type_marker" and len(problems) == 1]
        evidence: dict[str, Any] = {"problems": [str(problem) for problem in problems]}
        reason = "unknown-edition" if unknown else "malformed"
        return Check(code="text-decodes", outcome=_FAILED, reason=reason, evidence=evidence)
    evidence = {"layout": record.layout}
    remarks = []
    if unusual := _unusual_characters(record):
        remarks.append("unusual-characters")
        evidence["unusual_fields"] = unusual
    if filled := _filled_places(record):
        remarks.append("reserved-not-blank")
        evidence["filled_places"] = filled
    return _noted("text-decodes", remarks, evidence)


def _unusual_characters(record: CardRecord) -> list[str]:
    """Fields with private-use or unassigned characters; the font of a counter may show another sign or none."""
    return [
        place.name
        for place in record.places
        if isinstance(place.kind, Text)
        and any(
            unicodedata.category(character) in {"Co", "Cn"} for character in place.kind.decode(place.cut(record.raw))
        )
    ]


def _filled_places(record: CardRecord) -> list[str]:
    return [
        place.name
        for place in record.places
        if isinstance(place.kind, Reserved) and place.cut(record.raw) != place.kind.blank
    ]


def builds_back(subject: Subject, record: CardRecord) -> Check:
    """Check 3: the decoded values give the same bytes again."""
    same = encode(record) == subject.raw.text
    return _from_reasons("builds-back", [] if same else ["does-not-build-back"], {})


def number_check_digit(_: Subject, record: CardRecord) -> Check:
    """Check 4: the number is one, and its check character is right."""
    problems = rules.form_problems(record) or rules.check_digit_problems(record)
    return _from_reasons("number-check-digit", problems, {"characters": len(record.number)})


def number_agrees(_: Subject, record: CardRecord) -> Check:
    """Check 5: the number agrees with birth date, nationality, kind of card and (18 characters only) sex."""
    problems = rules.agreement_problems(record)
    evidence: dict[str, Any] = {"compared": _compared(record)}
    if not problems and _nationality_unknown(record):
        return Check(code="number-agrees", outcome=_NOTED, reason="nationality-unknown", evidence=evidence)
    return _from_reasons("number-agrees", problems, evidence)


def _compared(record: CardRecord) -> list[str]:
    if isinstance(record, PermanentResident2017):
        return ["birth_date", "nationality"]
    return ["birth_date", "sex", *(["nationality"] if isinstance(record, PermanentResident2023) else [])]


def _nationality_unknown(record: CardRecord) -> bool:
    return isinstance(record, PermanentResident2023) and country_by_alpha3(record.nationality) is None


def dates_lawful(subject: Subject, record: CardRecord) -> Check:
    """Check 6: dates in order, birth not in the future, and no longer valid than the rules allow at that age."""
    problems = list(rules.date_problems(record))
    if record.birth_date > china_day(subject.at):
        problems.append("birth-after-issue")
    if problems:
        return _from_reasons("dates-lawful", problems, {})
    return _noted("dates-lawful", rules.validity_remarks(record), {})


def valid_at_moment(subject: Subject, record: CardRecord) -> Check:
    """Check 7: the moment lies in the period of validity; first and last day count."""
    today, expiry = china_day(subject.at), record.expiry_date
    evidence = {
        "day_in_china": today.isoformat(),
        "issue_date": record.issue_date.isoformat(),
        "expiry_date": expiry.value if isinstance(expiry, LongTerm) else expiry.isoformat(),
    }
    if today < record.issue_date:
        return Check(code="valid-at-moment", outcome=_FAILED, reason="not-yet-valid", evidence=evidence)
    if not isinstance(expiry, LongTerm) and today > expiry:
        return Check(code="valid-at-moment", outcome=_FAILED, reason="expired", evidence=evidence)
    return _from_reasons("valid-at-moment", [], evidence)


def codes_known(_: Subject, record: CardRecord) -> Check:
    """Check 8: every code is in its table. An unknown one is noted, never refused: tables go stale."""
    unknown = []
    if SEX.get(record.sex) is None:
        unknown.append("sex")
    if isinstance(record, ResidentIdentityCard) and NATION.get(record.nation) is None:
        unknown.append("nation")
    if isinstance(record, PermanentResident2017 | PermanentResident2023) and not (
        country_by_alpha3(record.nationality) or ICAO_CODES.get(record.nationality)
    ):
        unknown.append("nationality")
    if PROVINCE.get(_province(record)) is None:
        unknown.append("province of the number")
    return _noted("codes-known", ["unknown-code"] if unknown else [], {"unknown": unknown})


def _province(record: CardRecord) -> str:
    start = {"pr2017": 3, "pr2023": 1}.get(record.layout, 0)
    return record.number[start : start + 2]


def photo_header(subject: Subject) -> Check:
    """Check 9: the photo zone begins as a photo does. The picture itself is not decoded."""
    try:
        header = parse_photo(subject.raw.photo)
    except RecordError:
        return Check(code="photo-header", outcome=_NOT_CHECKED, reason="photo-missing")
    evidence = header.to_document()
    if header.kind == "wlt":
        return Check(code="photo-header", outcome=_PASSED, reason="in-order", evidence=evidence)
    if header.kind == "specimen-png":
        return Check(code="photo-header", outcome=_NOTED, reason="specimen-photo", evidence=evidence)
    return Check(code="photo-header", outcome=_UNCLEAR, reason=f"photo-{header.kind}", evidence=evidence)


def provenance(subject: Subject) -> Check:
    """Check 10: no simulator and no specimen. Whether the reader is a registered one belongs to check 17."""
    origin, profile = subject.raw.provenance, subject.profile
    specimen = subject.record is not None and is_specimen(subject.record)
    evidence = {
        "transport": origin.transport,
        "sam_id": origin.sam_id,
        "simulated": origin.simulated,
        "specimen": specimen,
    }
    if specimen and not profile.allow_specimens:
        return Check(code="provenance", outcome=_FAILED, reason="specimen-card", evidence=evidence)
    if origin.simulated and not profile.allow_simulated:
        return Check(code="provenance", outcome=_FAILED, reason="simulated-reader", evidence=evidence)
    if specimen or origin.simulated:
        return Check(code="provenance", outcome=_NOTED, reason="training-material", evidence=evidence)
    return Check(code="provenance", outcome=_PASSED, reason="in-order", evidence=evidence)


def evidence_check(raw: RawCard, profile: Profile, level: EvidenceLevel) -> Check:
    """Check 17: somebody vouches for the data whom the profile names as enough."""
    origin = raw.provenance
    found = {"evidence_level": level.value, "enough": list(profile.evidence), "sam_id": origin.sam_id}
    if not profile.evidence:
        outcome, reason = _NOTED, "evidence-not-asked"
    elif level.value in profile.evidence:
        outcome, reason = _PASSED, "in-order"
    elif EvidenceLevel.READER_ATTESTED.value not in profile.evidence:
        outcome, reason = _UNCLEAR, "signature-needed"
    elif origin.sam_id is None:
        outcome, reason = _UNCLEAR, "sam-unknown"
    else:
        outcome, reason = _UNCLEAR, "sam-not-listed" if profile.sam_allow_list else "no-reader-registered"
    return Check(code="evidence", outcome=outcome, reason=reason, evidence=found)


_ASKED: Final = {"none": (), "real-name": ("real-name",), "real-person": ("real-name", "real-person")}
"""Kind of online check -> the calls that belong to it."""


def online_check(profile: Profile, outside: Outside) -> Check:
    """Check 18: the answers of the online check; whatever was not asked or not answered is never a match."""
    answers = {call: answer.value for call, answer in sorted(outside.online.items())}
    found = {"asked_for": profile.online_check, "answers": answers, "stand_in": outside.simulated}
    wanted = _ASKED[profile.online_check] or tuple(outside.online)
    if OnlineAnswer.NO_MATCH in outside.online.values():
        outcome, reason = _FAILED, "online-no-match"
    elif not answers or any(call not in outside.online for call in wanted):
        outcome, reason = _NOT_CHECKED, "online-not-asked"
    elif any(outside.online[call] is OnlineAnswer.NOT_AVAILABLE for call in wanted):
        outcome, reason = _UNCLEAR, "online-not-available"
    elif outside.simulated and not profile.allow_simulated:
        outcome, reason = _UNCLEAR, "online-stand-in"
    else:
        outcome, reason = _PASSED, "in-order"
    return Check(code="online-check", outcome=outcome, reason=reason, evidence=found)


def face_compare(profile: Profile, outside: Outside) -> Check:
    """Check 19: the score of a face comparison. A low one asks for a person's eye and refuses nobody."""
    face, least = outside.face, profile.face_min_score
    if face is None:
        return Check(code="face-compare", outcome=_NOT_CHECKED, reason="face-not-compared")
    found = {"score": face.score, "evidence_id": face.evidence_id, "least": least}
    if not least:
        return Check(code="face-compare", outcome=_NOTED, reason="face-score-only", evidence=found)
    if face.score < least:
        return Check(code="face-compare", outcome=_UNCLEAR, reason="face-score-low", evidence=found)
    return Check(code="face-compare", outcome=_PASSED, reason="in-order", evidence=found)


RECORD_CHECKS: Final[dict[str, Callable[[Subject, Any], Check]]] = {
    "builds-back": builds_back,
    "number-check-digit": number_check_digit,
    "number-agrees": number_agrees,
    "dates-lawful": dates_lawful,
    "valid-at-moment": valid_at_moment,
    "codes-known": codes_known,
}
"""Checks 3 to 8, which need a decoded record."""


def is_specimen(record: CardRecord) -> bool:
    """Tells whether a name on the card says SPECIMEN or 样本."""
    names = (getattr(record, name, "") for name in ("name", "chinese_name", "english_name"))
    return any("样本" in name or "SPECIMEN" in name.upper() for name in names)


def listed(raw: RawCard, profile: Profile) -> bool:
    """Tells whether a real reader on the profile's list read the card: the reader-attested evidence."""
    sam_id = raw.provenance.sam_id
    return (
        sam_id is not None
        and not raw.provenance.simulated
        and any(
            sam_id == entry or (entry.endswith("*") and sam_id.startswith(entry[:-1]))
            for entry in profile.sam_allow_list
        )
    )


def _from_reasons(code: str, reasons: list[str] | tuple[str, ...], evidence: dict[str, Any]) -> Check:
    """FAILED with the first reason and all of them as evidence, or PASSED."""
    if not reasons:
        return Check(code=code, outcome=_PASSED, reason="in-order", evidence=evidence)
    return Check(code=code, outcome=_FAILED, reason=reasons[0], evidence=evidence | {"reasons": list(reasons)})


def _noted(code: str, remarks: list[str] | tuple[str, ...], evidence: dict[str, Any]) -> Check:
    """NOTED with the first remark and all of them as evidence, or PASSED."""
    if not remarks:
        return Check(code=code, outcome=_PASSED, reason="in-order", evidence=evidence)
    return Check(code=code, outcome=_NOTED, reason=remarks[0], evidence=evidence | {"reasons": list(remarks)})
