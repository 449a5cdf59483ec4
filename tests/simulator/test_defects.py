"""Each defect is noticed by the check that it names, for the reason that it names, and by that one first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from prcard.acceptance.messages import CHECKS, REASONS
from prcard.acceptance.verify import verify
from prcard.simulator.defects import DEFECTS, defects_reference
from prcard.simulator.factory import DEFAULT_DAY, make_specimens
from prcard.store.profiles import load_profile

TRAINING = load_profile("training")
NOON = datetime(DEFAULT_DAY.year, DEFAULT_DAY.month, DEFAULT_DAY.day, 4, tzinfo=UTC)
FOLLOW = {"needs-record"}


@pytest.mark.parametrize(
    ("name", "layout"), [(name, layout) for name, defect in DEFECTS.items() for layout in defect.layouts]
)
def test_a_defect_is_noticed_and_nothing_else_is(name: str, layout: str) -> None:
    defect = DEFECTS[name]
    for seed in range(6):
        good, bad = (next(make_specimens(1, seed=seed, layouts=(layout,), defect=wanted)) for wanted in (None, name))
        before, after = (
            {check.code: (check.outcome, check.reason) for check in verify(made.card, TRAINING, NOON).checks}
            for made in (good, bad)
        )
        assert after[defect.check][1] == defect.reason
        changed = {code for code in after if after[code] != before[code] and after[code][1] not in FOLLOW}
        # What the text can no longer tell, nobody can look at; a cut zone also takes its header along.
        if defect.check not in {"zones-complete", "text-decodes"}:
            assert changed == {defect.check} | ALSO.get(name, set()) & changed


ALSO = {
    "no-number": {"number-agrees"},
    "born-after-issue": {"valid-at-moment"},
    "number-of-another-card": {"codes-known"},
    "ends-before-it-begins": {"valid-at-moment"},
}
"""What a defect cannot leave alone, with its reason in the nature of the thing."""


def test_every_defect_names_a_check_and_a_reason_that_exist() -> None:
    for defect in DEFECTS.values():
        assert defect.check in CHECKS
        assert defect.reason in REASONS


def test_the_page_shows_every_defect() -> None:
    page = "\n".join(defects_reference())
    assert all(f"| `{name}` |" in page for name in DEFECTS)
