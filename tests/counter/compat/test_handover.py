"""What a maker's page is given: a card that lies there, was read, and is not refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from prcard.counter.compat.handover import Handed, Handover, NotHandedError, Trouble
from prcard.counter.service import Counter
from prcard.counter.station import StationState


def take(handover: Handover, wait_s: float = 10, **more: Any) -> Handed:
    return asyncio.run(handover.card(wait_s, **more))


def trouble(act: Callable[[], Any]) -> NotHandedError:
    with pytest.raises(NotHandedError) as error:
        act()
    return error.value


def test_a_card_is_handed_over_and_booked(clean: Any) -> None:
    clean.insert("alice")
    clean.card()
    card = take(Handover(clean.counter, "synjones"), origin="https://pms.example")
    assert (card.layout, card.name, card.sex, card.nation) == ("pr2023", "样本爱丽", "女", "加拿大/CAN")
    assert (card.day("birth_date"), card.day("expiry_date")) == ("19850412", "20340228")
    assert card.sam_id.startswith("99.99-")
    row = clean.counter.ledger.history()[0]
    assert "number" in row["revealed"]
    assert "reserved_158" not in card.fields


def test_it_waits_for_a_card_that_comes(clean: Any) -> None:
    async def both() -> Handed:
        asyncio.get_running_loop().call_later(0.2, clean.insert, "chen")
        return await Handover(clean.counter, "huashi").card(10)

    card = asyncio.run(both())
    assert (card.layout, card.nation, card.day("expiry_date")) == ("resident", "汉", "长期")


def test_without_a_card_it_says_so_in_time(clean: Any) -> None:
    assert trouble(lambda: take(Handover(clean.counter, "x"), 0.05)).trouble is Trouble.NO_CARD
    assert Handover(clean.counter, "x").sam_id() == ""


def test_a_card_that_was_lifted_is_not_handed_over(clean: Any, wait_until: Callable[..., Any]) -> None:
    clean.insert("alice")
    clean.card()
    clean.remove()
    wait_until(lambda: clean.counter.stations[0].presence.lifted_at)
    assert trouble(lambda: take(Handover(clean.counter, "x"), 0.05)).trouble is Trouble.NO_CARD


def test_a_card_whose_verdict_is_failed_is_not_handed_over(clean: Any) -> None:
    clean.insert("goro")
    clean.card()
    error = trouble(lambda: take(Handover(clean.counter, "x")))
    assert error.trouble is Trouble.NOT_ACCEPTED
    assert error.zh == "核验不通过：证件已过期"


def test_once_means_once_until_the_card_is_lifted(clean: Any, wait_until: Callable[..., Any]) -> None:
    clean.insert("alice")
    clean.card()
    handover = Handover(clean.counter, "x")
    take(handover, once=True)
    assert trouble(lambda: take(handover, 0.05, once=True)).trouble is Trouble.NO_CARD
    assert take(handover).name == "样本爱丽"
    clean.remove()
    wait_until(lambda: clean.counter.stations[0].presence.lifted_at)
    clean.insert("alice")
    assert take(handover, once=True).name == "样本爱丽"


def test_parallel_calls_are_refused(clean: Any) -> None:
    handover = Handover(clean.counter, "x")

    async def both() -> list[Any]:
        return list(await asyncio.gather(handover.card(0.2), handover.card(0.2), return_exceptions=True))

    first, second = asyncio.run(both())
    assert [first.trouble, second.trouble] == [Trouble.NO_CARD, Trouble.BUSY]


def test_a_card_that_could_not_be_read_gives_its_reason(clean: Any, wait_until: Callable[..., Any]) -> None:
    from dataclasses import replace

    from prcard.errors import ReaderError, ReaderFault

    clean.insert("alice")
    clean.card()
    station = clean.counter.stations[0]
    station._presence = replace(station.presence, error=ReaderError(ReaderFault.CARD_REMOVED, "a", "b"))
    error = trouble(lambda: take(Handover(clean.counter, "x")))
    assert (error.trouble, error.zh) == (Trouble.UNREAD, "证件取走过早，请重新放置，直到显示结论。")


def test_no_reader_is_told_apart_from_no_card() -> None:
    with Counter([("nonsense:1", "Desk", None)]) as counter:  # type: ignore[list-item]
        counter.stations[0]._state = StationState.LOST
        assert trouble(lambda: take(Handover(counter, "x"), 0.05)).trouble is Trouble.NO_READER


@pytest.mark.parametrize(
    ("fields", "nation"),
    [({"nationality": "QQQ"}, "/QQQ"), ({"nation": "58"}, "58"), ({"nation": "01"}, "汉"), ({}, "")],
)
def test_codes_that_no_table_knows_stay_as_they_are(fields: dict[str, str], nation: str) -> None:
    card = Handed(layout="pr2023", fields=fields, photo="", sam_id="")
    assert (card.nation, card.sex, card.name) == (nation, "", "")
