"""What a counter may do with a card follows from its profile."""

from __future__ import annotations

from dataclasses import replace

from prcard.acceptance.verdict import Outcome
from prcard.counter.policy import Policy
from prcard.record import decode, to_document
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile, profile_names


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
    raw = specimen("alice").card()
    assert training.keep_capture(raw)
    assert not counter.keep_capture(replace(raw, text=bytes(256)))


def test_a_whole_card_is_kept_only_where_every_field_of_it_and_the_photo_may_be() -> None:
    raw = specimen("bob").card()
    for name in profile_names():
        profile = load_profile(name)
        every = [field for field, value in to_document(decode(raw.text)).items() if value and field != "layout"]
        rules = [profile.rule_for(field) for field in every if field != "card_version"]
        assert Policy(profile=profile).keep_capture(raw) is (profile.keeps_photo and None not in rules), name


def test_a_profile_that_does_not_show_a_field_withholds_it() -> None:
    rail = Policy(profile=load_profile("transport"))
    assert rail.may_show("number")
    assert not rail.may_show("birth_date")
    assert not rail.may_print("birth_date")
    number_only = Policy(profile=replace(load_profile("transport"), may_show=("number",)))
    assert not number_only.show_photo
    assert not number_only.may_show("english_name")
