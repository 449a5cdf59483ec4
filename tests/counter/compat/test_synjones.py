"""The Synjones shape, asked as pages of that kind ask: over HTTP, by JSONP too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from prcard.counter.compat.synjones import CARD_TYPES

FOREIGN = "https://pms.example"
KEYS = [
    "code",
    "retcode",
    "retmsg",
    "errmsg",
    "name",
    "sex",
    "nation",
    "born",
    "address",
    "cardno",
    "userlifeb",
    "userlifee",
    "police",
    "photobase64",
    "CardType",
    "CardTypeName",
    "Reserved",
    "EngName",
    "CertVol",
    "PassID",
    "IssuesTimes",
    "frontImg",
    "backImg",
    "FpDescribe",
    "FpData",
]


@pytest.fixture(scope="module")
def at_desk(serve: Any) -> Iterator[Any]:
    with serve(vendors=("synjones",)) as served:
        yield served


@pytest.fixture
def ask(at_desk: Any) -> Iterator[Callable[..., httpx.Response]]:
    def call(place: str, origin: str = FOREIGN, **query: str) -> httpx.Response:
        url = at_desk.server.vendor_urls[0] + f"api/{place}"
        return httpx.get(url, params=query, headers={"origin": origin} if origin else {}, timeout=20)

    yield call
    at_desk.clear()


EXPECTED = {
    "alice": {
        "CardType": "3",
        "nation": "加拿大/CAN",
        "born": "19850412",
        "EngName": "SPECIMEN, ALICE",
        "IssuesTimes": "00",
    },
    "hana": {"CardType": "3", "Reserved": "020", "IssuesTimes": "01"},
    "bob": {"CardType": "1", "name": "SPECIMEN, ROBERT JAMES", "sex": "男", "police": "1500", "CertVol": "01"},
    "chen": {"CardType": "0", "nation": "汉", "userlifee": "长期", "police": "样本公安局朝阳分局"},
    "dina": {"CardType": "2", "PassID": "H00000000", "IssuesTimes": "01", "address": "广东省深圳市南山区样本大道8号"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_layout_is_answered(at_desk: Any, ask: Callable[..., httpx.Response], name: str) -> None:
    at_desk.insert(name)
    answer = ask("ReadMsg", waitTime="10").json()
    assert set(KEYS) <= answer.keys()
    assert (answer["code"], answer["retcode"], answer["errmsg"]) == ("0", "0x90 0x1", "")
    assert {key: answer[key] for key in EXPECTED[name]} == EXPECTED[name]
    assert answer["photobase64"].startswith("iVBOR")
    assert all(isinstance(value, str) for value in answer.values())


def test_all_layouts_have_a_card_type() -> None:
    assert sorted(number for number, _ in CARD_TYPES.values()) == ["0", "1", "2", "3"]


def test_jsonp_calls_the_function_that_was_named(at_desk: Any, ask: Callable[..., httpx.Response]) -> None:
    at_desk.insert("alice")
    answer = ask("ReadMsg", callback="jQuery1_2.take", waitTime="10", NoPhoto="1")
    assert answer.headers["content-type"].startswith("text/javascript")
    found = re.fullmatch(r"jQuery1_2\.take\((.*)\);", answer.text)
    assert found
    document = json.loads(found[1])
    assert (document["cardno"], document["photobase64"]) == ("911124198504120021", "")


@pytest.mark.parametrize("callback", ["alert(1)//", "a b", "", "x" * 200])
def test_a_callback_that_is_no_name_is_not_written_out(ask: Callable[..., httpx.Response], callback: str) -> None:
    answer = ask("ReadMsg", callback=callback, waitTime="0")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["retcode"] == "0x80"


def test_errors_have_the_shape_of_answers(at_desk: Any, ask: Callable[..., httpx.Response]) -> None:
    empty = ask("ReadMsg", waitTime="0").json()
    assert (empty["code"], empty["retcode"], empty["retmsg"], empty["cardno"]) == ("1", "0x80", "请放证件", "")
    assert set(KEYS) <= empty.keys()
    at_desk.insert("goro")
    expired = ask("ReadMsg", waitTime="10").json()
    assert (expired["code"], expired["retcode"], expired["name"]) == ("1", "0x41", "")
    assert "已过期" in expired["errmsg"]


def test_the_same_card_is_given_once_where_asked(at_desk: Any, ask: Callable[..., httpx.Response]) -> None:
    at_desk.insert("alice")
    assert ask("ReadMsg", readOnce="1", waitTime="10").json()["code"] == "0"
    assert ask("ReadMsg", readOnce="1", waitTime="0").json()["retcode"] == "0x80"


def test_the_other_places(at_desk: Any, ask: Callable[..., httpx.Response]) -> None:
    assert ask("GetSAMID").json()["retcode"] == "1"
    at_desk.insert("alice")
    ask("ReadMsg", waitTime="10")
    assert ask("GetSAMID").json()["retmsg"].startswith("99.99-")
    assert ask("Version").json()["retmsg"].startswith("v3.3.4")
    assert ask("GetIDSerialNo").json()["retcode"] == "1"
    assert ask("ReadMsg", waitTime="nonsense", ie="1").headers["content-type"].startswith("text/html")


def test_a_page_that_is_not_on_the_list_gets_nothing(at_desk: Any, ask: Callable[..., httpx.Response]) -> None:
    at_desk.insert("alice")
    at_desk.card()
    assert ask("ReadMsg", origin="https://evil.example").status_code == 403
    url = at_desk.server.vendor_urls[0] + "api/ReadMsg"
    script = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}
    assert httpx.get(url, headers=script).status_code == 403
    assert httpx.get(url, headers=script | {"referer": "https://evil.example/"}).status_code == 403
    assert httpx.get(url, headers=script | {"referer": f"{FOREIGN}/"}).status_code == 200
    assert httpx.get(url, headers={"host": "evil.example:8989"}).status_code == 421
