"""Redaction of transcripts for sharing: the person on the line is replaced by a specimen of the same kind of card.

Lengths, pieces, times, status words and check bytes stay valid where they were valid, and wrong where they were wrong,
so that a bug of the field plays back; nothing that tells who held the card, or whose reader it was, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prcard.errors import RecordError
from prcard.record import detect_layout
from prcard.simulator.device import DEFAULT_SAM_ID
from prcard.simulator.photo import specimen_photo
from prcard.simulator.specimens import SPECIMENS, specimen_fingerprint
from prcard.wire.codes import ReadZones

if TYPE_CHECKING:
    from prcard.wire.transcript import Transcript

__all__ = ["redact_with_specimens"]


def redact_with_specimens(transcript: Transcript) -> Transcript:
    """Gives the transcript with specimens in the place of persons.

    A text zone of an unknown kind of card becomes blanks with its type marker kept. Additional addresses become
    blanks, IIN, SN and management numbers zeros, the SAM id that of a simulated reader. What is no intact frame keeps
    its header only.
    """
    return transcript.redact(zones=_stand_in, sam_id=DEFAULT_SAM_ID)


def _stand_in(zones: ReadZones) -> ReadZones:
    name, text = "unknown", " ".encode("utf-16-le") * 124 + zones.text[248:250] + " ".encode("utf-16-le") * 3
    try:
        layout = detect_layout(zones.text)
    except RecordError:
        pass
    else:
        entry = next(entry for entry in SPECIMENS if entry.record().layout == layout)
        name, text = entry.name, entry.record().raw
    return ReadZones(text, specimen_photo(name), specimen_fingerprint()[: len(zones.fingerprint)])
