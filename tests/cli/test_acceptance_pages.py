"""The table of verdicts, held against what a person worked out by hand from the dates on the cards."""

from __future__ import annotations

from typing import Final

from prcard.acceptance.profile import NO_LEGAL_ADVICE
from prcard.cli.acceptance_pages import (
    MOMENTS,
    SITUATIONS,
    profiles_reference,
    verdict_rows,
    verdicts_reference,
)
from prcard.simulator.specimens import SPECIMENS
from prcard.store.profiles import load_profile, profile_names

# Reviewed by hand, from the dates of docs/reference/specimens.md: what the date says at each of the three moments.
EARLY, LATE = "valid-at-moment:not-yet-valid", "valid-at-moment:expired"
BY_DATE: Final = {
    "alice": (EARLY, "", LATE),
    "bob": ("", "", LATE),
    "chen": ("", "", ""),
    "dina": ("", "", LATE),
    "emile": ("", "", LATE),
    "fatima": (EARLY, "", LATE),
    "goro": ("", LATE, LATE),
    "hana": (EARLY, "", ""),
    "ivan": ("", "", ""),
    "kim": ("", "", LATE),
}
# What the situation adds, in training and elsewhere.
BY_SITUATION: Final = {
    "specimen": ("provenance:specimen-card", "evidence:sam-unknown"),
    "unregistered": ("evidence:no-reader-registered",),
    "registered": (),
}
# The older version of a profile that holds at a moment; all others are the ones of today.
OLDER: Final = {("bank", MOMENTS[0]): "1"}


def expected(specimen: str, moment: str, situation: str, profile: str) -> tuple[str, tuple[str, ...]]:
    """Outcome and reasons as worked out by hand."""
    dated = BY_DATE[specimen][MOMENTS.index(moment)]
    added = () if profile == "training" else BY_SITUATION[situation]
    reasons = (*([dated] if dated else []), *added)
    fails = bool(dated) or (situation == "specimen" and profile != "training")
    return ("FAILED" if fails else "INDETERMINATE" if added else "PASSED"), reasons


def test_every_verdict_is_the_one_worked_out_by_hand() -> None:
    rows = list(verdict_rows())
    assert len(rows) == len(SPECIMENS) * len(MOMENTS) * len(SITUATIONS) * len(profile_names()) == 900
    assert set(BY_DATE) == {entry.name for entry in SPECIMENS}
    for row in rows:
        assert (row.outcome, row.reasons) == expected(row.specimen, row.moment, row.situation, row.profile), row
        version = OLDER.get((row.profile, row.moment), load_profile(row.profile).version)
        assert row.version == version, row


def test_what_decided_is_named_by_its_kind() -> None:
    kinds = {row.indication for row in verdict_rows()}
    assert kinds == {"in-order", "specimen", "unattested", "expired", "not-yet-valid"}


def test_the_page_has_every_combination() -> None:
    found = set()
    for line in verdicts_reference().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            found |= {(*cells[:4], profile) for profile in cells[5].split(", ")}
    rows = verdict_rows()
    assert found == {(f"`{row.specimen}`", row.moment[:10], row.situation, row.outcome, row.profile) for row in rows}
    assert len(found) == len(rows)


def test_every_profile_is_on_its_page_and_no_profile_is_advice() -> None:
    page = profiles_reference()
    for name in profile_names():
        assert f"\n## {name}\n" in page
    assert page.count(NO_LEGAL_ADVICE[1]) == page.count(NO_LEGAL_ADVICE[0]) == len(profile_names()) + 1
    assert "NOT CONFIRMED" in page
    assert "### bank, version 1, from 2025-01-01" in page
