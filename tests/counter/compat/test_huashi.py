"""The Huashi shape, with the habits of the pages that call it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from prcard.counter.compat.huashi import CERT_TYPES

KEYS = [
    "resultFlag",
    "errorMsg",
    "partyName",
    "gender",
    "nation",
    "bornDay",
    "certAddress",
    "certNumber",
    "certOrg",
    "effDate",
    "expDate",
    "identityPic",
    "certType",
]


@pytest.fixture(scope="module")
def at_desk(serve: Any) -> Iterator[Any]:
    with serve(vendors=("huashi",)) as served:
        yield served


@pytest.fixture
def ask(at_desk: Any) -> Iterator[Callable[..., httpx.Response]]:
    def call(place: str, method: str = "GET") -> httpx.Response:
        headers = {"origin": "https://pms.example"}
        return httpx.request(method, at_desk.server.vendor_urls[0] + place, headers=headers, timeout=20)

    yield call
    at_desk.clear()


EXPECTED = {
    "alice": {"certType": "Y", "nation": "加拿大/CAN", "bornDay": "19850412", "gender": "女", "partyName": "样本爱丽"},
    "bob": {"certType": "I", "certNumber": "USA310079113014", "certOrg": "1500"},
    "chen": {"certType": " ", "nation": "汉", "nationCode": "01", "expDate": "长期"},
    "dina": {"certType": "J", "effDate": "20230901", "certAddress": "广东省深圳市南山区样本大道8号"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_layout_is_answered(at_desk: Any, ask: Callable[..., httpx.Response], name: str) -> None:
    at_desk.insert(name)
    at_desk.card()
    answer = ask("readcard").json()
    assert set(KEYS) <= answer.keys()
    assert (answer["resultFlag"], answer["errorMsg"]) == (0, "")
    assert {key: answer[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert answer["identityPic"].startswith("iVBOR")


def test_all_layouts_have_a_type() -> None:
    assert sorted(CERT_TYPES.values()) == [" ", "I", "J", "Y"]


@pytest.mark.parametrize("place", ["OpenDevice", "openDevice", "CloseDevice", "CloseDevice&t=0.123"])
def test_opening_and_closing_is_always_fine(ask: Callable[..., httpx.Response], place: str) -> None:
    for method in ("GET", "POST"):
        assert ask(place, method).json() == {"resultFlag": 0, "errorMsg": ""}


@pytest.mark.parametrize("place", ["readcard", "readCard", "readcard&t=1700000000000", 'readcard&picpath="D:"&t=0.5'])
def test_pages_that_take_values_out_by_pattern_find_them(
    at_desk: Any, ask: Callable[..., httpx.Response], place: str
) -> None:
    at_desk.insert("alice")
    at_desk.card()
    text = ask(place).text
    assert re.search(r'"certNumber" : "(.*?)"', text)[1] == "911124198504120021"  # type: ignore[index]
    assert re.search(r'"resultFlag" : (.*)', text)[1].rstrip(",") == "0"  # type: ignore[index]


def test_errors_have_the_shape_of_answers(at_desk: Any, ask: Callable[..., httpx.Response]) -> None:
    empty = ask("readcard").json()
    assert (empty["resultFlag"], empty["errorMsg"], empty["certNumber"]) == (-11, "请放证件", "")
    assert set(KEYS) <= empty.keys()
    at_desk.insert("goro")
    at_desk.card()
    assert "已过期" in ask("readcard").json()["errorMsg"]


def test_other_places_are_not_there(ask: Callable[..., httpx.Response]) -> None:
    assert ask("nonsense").status_code == 404
