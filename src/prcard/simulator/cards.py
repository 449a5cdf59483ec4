"""Cards to lay on a virtual reader, by the name that people type."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prcard.errors import FieldProblem, RecordError
from prcard.record.capture import MAX_CAPTURE_CHARS, load_capture
from prcard.simulator.specimens import SPECIMENS, specimen

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

__all__ = ["load_card"]


def load_card(name: str) -> RawCard:
    """Gives the card that a name stands for.

    Args:
        name: A specimen, for instance `alice`, or the file of a capture (its name holds a dot or a slash).

    Raises:
        RecordError: there is no such specimen or file, or the file holds no capture.
    """
    if not ("/" in name or "." in name):
        return specimen(name).card()
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_CAPTURE_CHARS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        known = ", ".join(entry.name for entry in SPECIMENS)
        raise RecordError(
            FieldProblem("card", None, f"a capture file or one of {known}", reason), advice="Name another card."
        ) from error
    return load_capture(data)
