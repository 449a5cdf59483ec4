"""A card on a reader, as JSON: masked whatever was asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from prcard.counter.policy import Policy
from prcard.counter.presence import Presence, Stage, meanings_of, photo_kind
from prcard.errors import ReaderError, ReaderFault
from prcard.record.raw import RawCard
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.profiles import load_profile

POLICY = Policy(profile=load_profile("training"), training=True)
AT = datetime(2026, 6, 1, tzinfo=UTC)


def judged(raw: RawCard) -> Presence:
    return Presence(
        id="id", reader="r1", inserted_at=AT, policy=POLICY, stage=Stage.JUDGED, raw=raw, verdict=POLICY.judge(raw)
    )


@pytest.mark.parametrize("entry", SPECIMENS, ids=lambda entry: entry.name)
def test_the_document_shows_no_name_and_no_number(entry: object) -> None:
    raw = specimen(entry.name).card()  # type: ignore[attr-defined]
    presence = judged(raw)
    whole = presence.reveal(frozenset(presence.allowed()))
    text = json.dumps(presence.to_document(), ensure_ascii=False)
    hidden = [whole.get(name) for name in ("number", "name", "chinese_name", "english_name", "address", "birth_date")]
    assert [value for value in hidden if value and value in text] == []
    assert raw.photo.hex() not in text


def test_revealed_are_only_the_fields_that_were_asked_for() -> None:
    presence = judged(specimen("alice").card())
    assert presence.reveal(frozenset({"number", "reserved_158", "nonsense"})) == {"number": "911124198504120021"}


def test_a_card_that_does_not_decode_is_shown_without_a_record() -> None:
    presence = judged(replace(specimen("alice").card(), text=bytes(256)))
    document = presence.to_document()
    assert document["record"] is None
    assert document["labels"] == {}
    assert document["may_show"] == []
    assert document["verdict"]["outcome"] == "FAILED"


def test_one_that_is_being_read_or_was_not_read() -> None:
    reading = Presence(id="id", reader="r1", inserted_at=AT, policy=POLICY)
    assert reading.to_document()["photo"] is None
    assert reading.reveal(frozenset({"number"})) == {}
    error = ReaderError(ReaderFault.CARD_REMOVED, "It was lifted.", "Lay it down again.")
    unread = replace(reading, stage=Stage.UNREAD, error=error, lifted_at=AT).to_document()
    assert unread["error"] == {
        "fault": "card-removed",
        "message": "It was lifted. Lay it down again.",
        "advice": "Lay it down again.",
    }
    assert unread["lifted_at"] == "2026-06-01T00:00:00.000+00:00"


def test_its_repr_tells_nothing_of_the_holder() -> None:
    assert "text=" not in repr(judged(specimen("alice").card()))


@pytest.mark.parametrize(
    ("photo", "kind"),
    [
        (b"WL\x66\x00\x7e\x00\x32\x00".ljust(1024, b"x"), "wlt"),
        (bytes(1024), "blank"),
        (b"?" * 1024, "unknown"),
        (b"", "unknown"),
    ],
)
def test_why_a_photo_cannot_be_shown(photo: bytes, kind: str) -> None:
    raw = replace(specimen("alice").card(), photo=photo)
    assert photo_kind(raw, POLICY) == kind
    assert photo_kind(specimen("alice").card(), POLICY) == "png"


def test_codes_are_put_into_words_where_the_tables_know_them() -> None:
    found = meanings_of({"sex": "2", "nationality": "CAN", "nation": "01", "number": "1"})
    assert {name: text.en for name, text in found.items()} == {
        "sex": "female",
        "nationality": "Canada",
        "nation": "Han",
    }
    assert meanings_of({"sex": "7", "nationality": "QQQ", "nation": None}) == {}
    assert meanings_of({"nationality": "XXA"})["nationality"].en == "stateless person"


def test_what_a_profile_may_not_show_is_hidden_whole() -> None:
    profile = replace(load_profile("training"), may_show=("number",), mask_level="full")
    presence = replace(judged(specimen("alice").card()), policy=Policy(profile=profile, training=True))
    record = presence.to_document()["record"]
    assert record["number"] == "911124198504120021"
    assert record["chinese_name"] == record["expiry_date"] == "******"
    assert presence.allowed() == ["number"]
