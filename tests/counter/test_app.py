"""The JSON API over real HTTP: pairing, state, events, what is refused and how."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import httpx
import pytest

from prcard.counter.app import PAGE_FILES
from prcard.counter.hub import MAX_LISTENERS
from prcard.counter.refusals import Refusal

FOREIGN = "https://pms.example"
API = "/api/v1"


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["error"]["code"]
    return found


def messages(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in stream.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


# Pairing


def test_the_service_says_that_it_is_there_and_nothing_else_without_pairing(served: Any) -> None:
    assert served.http.get(f"{API}/service").json()["name"] == "prcard-counter"
    for path in ("state", "readers", "readers/r1", "history", "events", "training", "presences/x/photo"):
        answer = served.http.get(f"{API}/{path}")
        assert (answer.status_code, code(answer)) == (401, "not-paired")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_page_on_the_list_pairs_and_its_token_is_good_for_that_page_only(served: Any) -> None:
    token = served.token(FOREIGN)
    headers = {"authorization": f"Bearer {token}"}
    assert served.http.get(f"{API}/state", headers=headers | {"origin": FOREIGN}).status_code == 200
    assert served.http.get(f"{API}/state", headers=headers).status_code == 200
    own = served.url.rstrip("/")
    assert served.http.get(f"{API}/state", headers=headers | {"origin": own}).status_code == 401


def test_our_own_page_gets_a_cookie_that_no_script_can_read(served: Any) -> None:
    own = served.url.rstrip("/")
    answer = served.http.post(f"{API}/pairing", json={"code": served.code()}, headers={"origin": own})
    assert answer.json() == {"token": None}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert served.http.get(f"{API}/state").status_code == 200
    # The cookie alone is not enough for anybody else's page.
    for headers in ({"origin": FOREIGN}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        assert served.http.get(f"{API}/state", headers=headers).status_code in {401, 403}
    assert served.http.delete(f"{API}/pairing", headers={"origin": own}).status_code == 204
    assert served.http.get(f"{API}/state").status_code == 401


def test_guessing_gets_nobody_anywhere(served: Any) -> None:
    good = served.code()
    statuses = [
        served.http.post(f"{API}/pairing", json={"code": f"{guess:08d}", "name": "x"}).status_code
        for guess in range(12)
    ]
    assert statuses == [403] * 10 + [429] * 2
    assert served.counter.pairing.redeem(good, origin="", name="x") is None
    for token in ("x", "0" * 43):
        answer = served.http.get(f"{API}/state", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_a_token_in_the_address_is_not_looked_at(served: Any) -> None:
    token = served.token()
    assert served.http.get(f"{API}/state", params={"token": token, "access_token": token}).status_code == 401


def test_codes_are_made_by_our_own_page_and_by_nobody_elses(served: Any) -> None:
    own = served.url.rstrip("/")
    served.http.post(f"{API}/pairing", json={"code": served.code()}, headers={"origin": own})
    made = served.http.post(f"{API}/pairing/codes", headers={"origin": own}).json()
    assert served.counter.pairing.redeem(made["code"], origin="", name="x")
    token = served.token(FOREIGN)
    answer = served.http.post(f"{API}/pairing/codes", headers={"authorization": f"Bearer {token}", "origin": FOREIGN})
    assert answer.status_code == 401
    served.http.cookies.clear()
    assert served.http.post(f"{API}/pairing/codes", headers={"x-prcard-admin": "guess"}).status_code == 401


# Cards


def test_a_card_is_shown_masked_and_in_full_to_who_asks(served: Any) -> None:
    http = served.paired()
    served.insert("alice")
    presence = served.card()["presence"]
    reader = http.get(f"{API}/readers/r1").json()
    assert reader["card"]["record"]["english_name"] == "S*******, A****"
    answer = http.post(f"{API}/presences/{presence}/reveal", json={"fields": ["english_name", "sex"]})
    assert answer.json() == {
        "presence": presence,
        "fields": {"english_name": "SPECIMEN, ALICE", "sex": "2"},
        "meanings": {"sex": {"zh": "女", "en": "female"}},
    }
    assert http.get(f"{API}/history").json()["history"][0]["revealed"] == ["english_name", "sex"]
    photo = http.get(f"{API}/presences/{presence}/photo")
    assert (photo.headers["content-type"], photo.content[:4]) == ("image/png", b"\x89PNG")
    capture = http.post(f"{API}/presences/{presence}/capture").json()
    assert capture["format"] == "prcard-capture"
    assert http.delete(f"{API}/presences/{presence}").status_code == 204
    assert code(http.delete(f"{API}/presences/{presence}")) == "presence-unknown"
    assert http.get(f"{API}/readers").json()["readers"][0]["card"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "readers/r7", None, 404, "reader-unknown"),
        ("GET", "readers/nonsense", None, 422, "request-malformed"),
        ("GET", "nonsense", None, 404, "no-such-place"),
        ("PUT", "state", None, 405, "method-not-allowed"),
        ("POST", "presences/x/reveal", {"fields": []}, 422, "request-malformed"),
        ("POST", "presences/x/reveal", {"fields": ["nonsense"]}, 422, "request-malformed"),
        ("POST", "presences/x/reveal", {"fields": ["number"]}, 404, "presence-unknown"),
        ("POST", "training/r1/insert", {"specimen": "nobody"}, 422, "request-malformed"),
        ("POST", "training/r9/insert", {"specimen": "alice"}, 404, "reader-unknown"),
    ],
)
def test_what_is_refused_has_a_code(served: Any, method: str, path: str, body: Any, status: int, reason: str) -> None:
    answer = served.paired().request(method, f"{API}/{path}", json=body)
    assert (answer.status_code, code(answer)) == (status, reason)


def test_a_refusal_does_not_repeat_what_was_sent(served: Any) -> None:
    answer = served.paired().post(f"{API}/presences/x/reveal", json={"fields": ["911124198504120021"]})
    assert "9111" not in answer.text


# Training


def test_specimens_are_laid_down_lifted_and_spoiled(served: Any, wait_until: Callable[..., Any]) -> None:
    http = served.paired()
    offer = http.get(f"{API}/training").json()
    assert offer["readers"] == ["r1"]
    assert "unplugged" in offer["faults"]
    assert http.post(f"{API}/training/r1/insert", json={"specimen": "bob"}).status_code == 204
    assert served.card()["record"]["layout"] == "pr2017"
    assert http.post(f"{API}/training/r1/remove").status_code == 204
    wait_until(lambda: http.get(f"{API}/readers/r1").json()["card"]["lifted_at"])
    assert http.post(f"{API}/training/r1/fault", json={"fault": "damaged-card"}).status_code == 204
    wait_until(lambda: (http.get(f"{API}/readers/r1").json()["card"]["verdict"] or {}).get("outcome") == "FAILED")


def test_a_real_reader_is_not_for_training(served: Any) -> None:
    served.counter.desk._readers[0].uri = "tcp:elsewhere:1"
    answer = served.paired().post(f"{API}/training/r1/remove")
    assert (answer.status_code, code(answer)) == (409, "not-a-training-reader")


# Events


def test_events_come_as_they_happen_and_go_on_where_they_broke_off(served: Any) -> None:
    http = served.paired()
    with http.stream("GET", f"{API}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = messages(stream)
        assert next(told) == {"kind": "hello", "run": served.counter.hub.run, "resumed": False}
        served.insert("alice")
        inserted, verdict = next(told), next(told)
        assert (inserted["kind"], verdict["kind"]) == ("card-inserted", "verdict")
    served.remove()
    with http.stream("GET", f"{API}/events", headers={"last-event-id": inserted["id"]}) as stream:
        told = messages(stream)
        assert next(told)["resumed"]
        assert [next(told)["id"], next(told)["kind"]] == [verdict["id"], "card-removed"]


def test_the_state_says_where_to_listen_on(served: Any) -> None:
    http = served.paired()
    last = http.get(f"{API}/state").json()["last_event_id"]
    served.insert("alice")
    served.card()
    with http.stream("GET", f"{API}/events", headers={"last-event-id": last}) as stream:
        told = messages(stream)
        assert [next(told)["kind"] for _ in range(3)] == ["hello", "card-inserted", "verdict"]


def test_a_listener_that_leaves_is_forgotten(served: Any, wait_until: Callable[..., Any]) -> None:
    http = served.paired()
    with http.stream("GET", f"{API}/events") as stream:
        told = messages(stream)
        next(told)
        assert served.counter.hub.listeners == 1
    wait_until(lambda: served.counter.hub.listeners == 0)


def test_too_many_listeners_are_refused(served: Any) -> None:
    all_of_them = [served.counter.hub.listen(None, lambda: None) for _ in range(MAX_LISTENERS)]
    answer = served.paired().get(f"{API}/events")
    assert (answer.status_code, code(answer)) == (503, "too-many-listeners")
    all_of_them.clear()


# Page, counts, document


@pytest.mark.parametrize("path", PAGE_FILES)
def test_the_page_is_served_from_the_package(served: Any, path: str) -> None:
    name, kind = PAGE_FILES[path]
    answer = served.http.get(f"/{path}")
    assert answer.headers["content-type"] == kind
    assert answer.content == (resources.files("prcard.counter") / "page" / name).read_bytes()


@pytest.mark.parametrize("path", ["/..%2fapp.py", "/../app.py", "/page/app.js", "/app.js/", "//etc/passwd"])
def test_nothing_else_is_served(served: Any, path: str) -> None:
    assert served.http.get(path).status_code == 404


def test_counts_are_there_for_prometheus(served: Any) -> None:
    served.insert("alice")
    served.card()
    answer = served.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'prcard_cards_total{outcome="PASSED",training="true"} 1' in answer.text
    assert "prcard_listeners 0" in answer.text


def test_the_document_names_every_refusal_and_how_to_show_a_token(served: Any) -> None:
    document = served.http.get(f"{API}/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyCookie"}
    codes = document["components"]["schemas"]["Failed"]["properties"]["code"]["enum"]
    assert codes == [refusal.code for refusal in Refusal]
    assert document["paths"]["/api/v1/state"]["get"]["security"]
    assert "security" not in document["paths"]["/api/v1/service"]["get"]


def test_every_place_has_a_summary_and_a_description(served: Any) -> None:
    for path, methods in served.http.get(f"{API}/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description", "").endswith("."), (method, path)
