"""Judges every capture in a folder; prints one line of CSV for each, without personal data.

python examples/judge_folder.py fixtures/specimens training 2026-01-15
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path

import prcard


def main(folder: str, profile: str = "training", day: str | None = None) -> int:
    """Returns the number of captures that did not pass."""
    rules = prcard.load_profile(profile)
    at = datetime.fromisoformat(day).replace(tzinfo=UTC) if day else datetime.now(UTC)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["capture", "outcome", "reasons"])
    not_passed = 0
    for path in sorted(Path(folder).rglob("*.capture.json")):
        try:
            verdict = prcard.verify(prcard.load_capture(path.read_bytes()), profile=rules, at=at)
            outcome, reasons = (
                verdict.outcome.value,
                " ".join(check.reason for check in (*verdict.failed, *verdict.open)),
            )
        except prcard.PRCardError as error:
            outcome, reasons = "REFUSED", str(error)
        not_passed += outcome != "PASSED"
        out.writerow([path.relative_to(folder), outcome, reasons])
    return not_passed


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 100))
