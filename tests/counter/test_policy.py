"""What a counter may do with a card follows from its profile."""

from __future__ import annotations

from prcard.acceptance.verdict import Outcome
from prcard.counter.policy import Policy
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile


def test_a_specimen_passes_in_training_and_nowhere_else() -> None:
    raw = specimen("alice").card()
    assert Policy(profile=load_profile("training")).judge(raw).outcome is Outcome.PASSED
    assert Policy(profile=load_profile("counter")).judge(raw).outcome is Outcome.FAILED


def test_what_may_be_shown_and_kept() -> None:
    training = Policy(profile=load_profile("training"), training=True)
    counter = Policy(profile=load_profile("counter"))
    assert training.may_show("english_name")
    assert not training.may_show("reserved_32")
    assert training.show_photo
    assert training.keep_capture
    assert not counter.keep_capture
