"""Everything that prcard raises.

    PRCardError
     ├── WireError                 a SAM_V frame, session or transcript
     │    ├── LocalWireError           the caller erred
     │    └── RemoteWireError          the peer erred (reader, card or host program)
     ├── RecordError               a zone, record, number or capture that is refused; names every field at fault
     │    ├── NumberError              a card number that is none
     │    └── CaptureError             a capture document that is none
     ├── ReaderError               a reader or card could not be read; says what to do
     ├── ProfileError              an acceptance profile that is unknown or malformed
     ├── AuditError                an audit log, its key or what is kept by a profile cannot be used
     ├── TrustError                a certificate, signature, list or trust folder that is refused
     └── BatchError                one or more rows of a batch are refused

Nothing else leaves a public function: errors of construct, cryptography, pyserial, the operating system and the like
are translated at the edge. A bad *card* is no exception: `prcard.verify` returns a verdict.

Messages name the field or byte, what was expected, what was found and what to do. They hold no personal data: `found`
describes the offending unit, never the whole value.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import NamedTuple

__all__ = [
    "AuditError",
    "BatchError",
    "CaptureError",
    "FieldProblem",
    "LocalWireError",
    "NumberError",
    "PRCardError",
    "ProfileError",
    "ReaderError",
    "ReaderFault",
    "RecordError",
    "RemoteWireError",
    "TrustError",
    "WireError",
]


class PRCardError(Exception):
    """Base of every documented prcard exception."""


class WireError(PRCardError):
    """A frame, session step or transcript is not as the protocol says; raised as Local or Remote."""


class LocalWireError(WireError):
    """The caller asked for something that the protocol does not allow."""


class RemoteWireError(WireError):
    """The peer sent something that the protocol does not allow."""


class FieldProblem(NamedTuple):
    """One field that is refused: where it lies, what it must be, what stands there.

    Attributes:
        field: Name of the field in its layout, or of the document part.
        offset_bytes: Offset of the first byte at fault within its zone; None for what has no bytes, such as a key of
            a document or a character of a number.
        expected: What the layout wants, in words.
        found: The offending unit in words; never the whole value, which is personal data.
    """

    field: str
    offset_bytes: int | None
    expected: str
    found: str

    def __str__(self) -> str:
        where = "" if self.offset_bytes is None else f" at byte {self.offset_bytes}"
        return f"{self.field}{where}: expected {self.expected}, found {self.found}"


class RecordError(PRCardError):
    """A zone, record or number is refused; `problems` lists every field at fault, first first."""

    def __init__(self, *problems: FieldProblem, advice: str = "") -> None:
        """Keep the problems; the message lists all of them, then the advice."""
        self.problems = problems
        self.advice = advice
        text = "; ".join(str(problem) for problem in problems)
        super().__init__(f"{text}. {advice}" if advice else text)


class NumberError(RecordError):
    """A text is not a card number of the scheme asked for."""


class CaptureError(RecordError):
    """A document is not a capture of this version."""


@unique
class ReaderFault(Enum):
    """Why a reader or card could not be read, as a stable code for programs."""

    NOT_FOUND = "reader-not-found"
    NOT_PERMITTED = "reader-not-permitted"
    BUSY = "reader-busy"
    AMBIGUOUS = "reader-ambiguous"
    BAD_URI = "reader-uri-malformed"
    MISSING_EXTRA = "reader-support-not-installed"
    LOST = "reader-lost"
    SILENT = "reader-silent"
    GARBAGE = "reader-garbage"
    REFUSED = "reader-refused"
    NOT_READY = "reader-not-ready"
    HUNG = "reader-hung"
    SERVICE_DOWN = "reader-service-down"
    NO_CARD = "card-not-found"
    CARD_NOT_LIFTED = "card-not-lifted"
    CARD_REMOVED = "card-removed"
    CARD_REFUSED = "card-refused"
    CARD_UNREADABLE = "card-unreadable"
    CARD_SEALED = "card-needs-sam-reader"
    CARD_UNKNOWN = "card-unknown"


class ReaderError(PRCardError):
    """A reader or card could not be read.

    Attributes:
        fault: The stable code.
        advice: What the person at the reader should do next, one sentence.
    """

    def __init__(self, fault: ReaderFault, message: str, advice: str) -> None:
        """Keep code and advice; the message is the fact followed by the advice."""
        self.fault = fault
        self.advice = advice
        super().__init__(f"{message} {advice}")


class ProfileError(PRCardError):
    """An acceptance profile is unknown, malformed or has unknown keys."""


class TrustError(PRCardError):
    """A certificate, signature, list or trust folder is refused.

    Attributes:
        reason: The stable code, a value of `prcard.trust.reasons.TrustReason`.
        advice: What to do next, one sentence.
    """

    def __init__(self, reason: str, message: str, advice: str) -> None:
        """Keep code and advice; the message is the fact followed by the advice."""
        self.reason = reason
        self.advice = advice
        super().__init__(f"{message}. {advice}".rstrip())


class AuditError(PRCardError):
    """An audit log, its key file or a folder of kept records cannot be used, or is not in order."""


class BatchError(PRCardError):
    """One or more rows of a batch are refused; all errors of a row are reported together."""
