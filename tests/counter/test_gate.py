"""What stands before the service, asked as ASGI asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from prcard.counter import gate as gates
from prcard.counter.gate import MAX_BODY_BYTES, MAX_CALLERS, PAIRING_BURST, Gate, Rate, is_origin, own_hosts
from prcard.counter.journal import Journal
from prcard.counter.metrics import Metrics

LISTED = "https://pms.example"
HOST = "127.0.0.1:8964"


class Caller:
    """Asks a gate before an application that answers 200 and repeats the body."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.reached = 0
        self.now = 0.0
        self.gate = Gate(
            self.app,
            hosts=own_hosts(8964),
            origins=[LISTED],
            metrics=self.metrics,
            journal=Journal(),
            pairing_path="/api/v1/pairing",
            clock=lambda: self.now,
        )

    async def app(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        self.reached += 1
        if scope["type"] == "http":
            body = (await receive())["body"]
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": body})

    def __call__(
        self,
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        path: str = "/api/v1/state",
        body: list[bytes] | None = None,
        kind: str = "http",
        twice: tuple[str, str] | None = None,
        stall: bool = False,
    ) -> tuple[int, dict[str, str], bytes]:
        given = {"host": HOST} | (headers or {})
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        raw += [(twice[0].encode(), twice[1].encode())] if twice else []
        scope = {"type": kind, "method": method, "path": path, "headers": raw}
        pieces = list(body or [b""])
        sent: list[Any] = []

        async def receive() -> Any:
            if kind == "websocket":
                return {"type": "websocket.connect"}
            if stall and len(pieces) == 1:
                await asyncio.sleep(60)
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.gate(scope, receive, send))
        if kind == "websocket":
            return (sent[0]["code"], {}, b"") if sent else (0, {}, b"")
        start = sent[0]
        return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, sent[1]["body"]


@pytest.fixture
def ask() -> Caller:
    return Caller()


def code(body: bytes) -> str:
    found: str = json.loads(body)["error"]["code"]
    return found


@pytest.mark.parametrize("host", ["127.0.0.1:8964", "localhost:8964", "[::1]:8964", "LOCALHOST:8964"])
def test_our_own_names_are_answered(ask: Caller, host: str) -> None:
    assert ask({"host": host})[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8964",
        "127.0.0.1",
        "127.0.0.1:80",
        "",
        "127.0.0.1.evil.example:8964",
        "localhost:8964@evil",
    ],
)
def test_a_rebound_name_is_refused_before_anything_is_reached(ask: Caller, host: str) -> None:
    status, headers, body = ask({"host": host})
    assert (status, code(body), ask.reached) == (421, "host-not-ours", 0)
    assert "access-control-allow-origin" not in headers
    assert 'prcard_refusals_total{reason="host-not-ours"} 1' in ask.metrics.text({})


def test_a_host_that_is_there_twice_is_none(ask: Caller) -> None:
    assert ask(twice=("host", HOST))[0] == 421
    assert ask({"origin": LISTED}, twice=("origin", LISTED))[0] == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://pms.example.evil.example", "http://pms.example", ""]
)
def test_a_foreign_page_is_refused_and_gets_no_permission(ask: Caller, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, body = ask(
            {
                "origin": origin,
                "access-control-request-method": "GET",
                "access-control-request-private-network": "true",
            },
            method=method,
        )
        assert (status, code(body)) == (403, "origin-not-allowed")
        assert not [name for name in headers if name.startswith("access-control")]
    assert ask.reached == 0


def test_a_page_on_the_list_is_answered_and_nobody_else_is_named(ask: Caller) -> None:
    status, headers, _ = ask({"origin": LISTED, "sec-fetch-site": "cross-site"})
    assert status == 200
    assert headers["access-control-allow-origin"] == LISTED
    assert headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in headers


def test_a_preflight_is_answered_with_the_network_permission_that_was_asked_for(ask: Caller) -> None:
    asked = {"origin": LISTED, "access-control-request-method": "POST"}
    status, headers, _ = ask(asked | {"access-control-request-private-network": "true"}, method="OPTIONS")
    assert status == 204
    assert headers["access-control-allow-private-network"] == "true"
    assert headers["access-control-allow-headers"] == "authorization, content-type, last-event-id"
    _, headers, _ = ask(asked | {"access-control-request-local-network": "true"}, method="OPTIONS")
    assert headers["access-control-allow-local-network"] == "true"
    assert "access-control-allow-private-network" not in headers
    assert ask.reached == 0


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, "/api/v1/state", 200),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, "/api/v1/state", 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}, "/app.js", 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, "/icon.svg", 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, "/", 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, "/metrics", 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, "/", 403),
        (
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "referer": f"{LISTED}/desk"},
            "/api/ReadMsg",
            200,
        ),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "referer": "https://evil.example/"}, "/x", 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "referer": "nonsense"}, "/x", 403),
    ],
)
def test_callers_that_name_no_origin(ask: Caller, headers: dict[str, str], path: str, status: int) -> None:
    assert ask(headers, path=path)[0] == status


def test_a_script_tag_of_a_page_on_the_list_may_use_the_answer_and_no_other(ask: Caller) -> None:
    tag = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}
    assert ask(tag | {"referer": f"{LISTED}/"})[1]["cross-origin-resource-policy"] == "cross-origin"
    assert ask(tag | {"referer": "https://evil.example/"})[1]["cross-origin-resource-policy"] == "same-origin"


def test_every_answer_carries_the_headers_of_a_careful_page(ask: Caller) -> None:
    for host in (HOST, "evil.example"):
        _, headers, _ = ask({"host": host})
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_body_arrives_whole(ask: Caller) -> None:
    assert ask(method="POST", body=[b"one ", b"two"])[2] == b"one two"
    assert ask(method="POST", body=[b"x" * MAX_BODY_BYTES])[0] == 200


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused_whether_its_length_is_told_or_not(ask: Caller, told: bool) -> None:
    headers = {"content-length": str(MAX_BODY_BYTES + 1)} if told else {}
    status, answered, body = ask(headers, method="POST", body=[b"x" * MAX_BODY_BYTES, b"x"])
    assert (status, code(body), ask.reached) == (413, "body-too-large", 0)
    assert answered["connection"] == "close"


def test_a_body_that_does_not_come_is_not_waited_for(ask: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "BODY_S", 0.05)
    status, _, body = ask(method="POST", body=[b"{", b"}"], stall=True)
    assert (status, code(body), ask.reached) == (408, "body-too-slow", 0)


def test_a_caller_that_leaves_before_its_body_is_there(ask: Caller) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        return

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", HOST.encode())]}
    asyncio.run(ask.gate(scope, receive, send))
    assert ask.reached == 1


def test_nobody_asks_too_often_and_one_page_does_not_use_up_anothers_share(ask: Caller) -> None:
    answers = [ask({"origin": LISTED}) for _ in range(gates.BURST + 1)]
    assert [status for status, _, _ in answers[:-1]] == [200] * gates.BURST
    status, headers, body = answers[-1]
    assert (status, code(body), headers["retry-after"]) == (429, "too-many-requests", "1")
    assert ask()[0] == 200
    ask.now += 1
    assert ask({"origin": LISTED})[0] == 200


def test_codes_are_tried_slowly_whoever_tries(ask: Caller) -> None:
    def attempt(number: int) -> int:
        return ask({"user-agent": f"browser {number}"}, method="POST", path="/api/v1/pairing")[0]

    statuses = [attempt(number) for number in range(PAIRING_BURST + 5)]
    assert statuses == [200] * PAIRING_BURST + [429] * 5
    ask.now += 5
    assert attempt(0) == 200


def test_the_rate_forgets_callers_that_were_not_seen_for_longest() -> None:
    rate = Rate(1, 1)
    assert rate.wait_s("first", 0) == 0
    assert rate.wait_s("first", 0.5) == 0.5
    for number in range(MAX_CALLERS):
        rate.wait_s(str(number), 0.5)
    assert rate.wait_s("first", 0.5) == 0


def test_a_web_socket_passes_the_same_gate(ask: Caller) -> None:
    assert ask({"origin": LISTED}, kind="websocket")[0] == 0
    assert ask.reached == 1
    assert ask({"origin": "https://evil.example"}, kind="websocket")[0] == 1008
    assert ask({"host": "evil.example"}, kind="websocket")[0] == 1008
    assert ask.reached == 1


def test_other_messages_of_the_server_pass(ask: Caller) -> None:
    async def none(*_: Any) -> Any:
        return None

    asyncio.run(ask.gate({"type": "lifespan"}, none, none))
    assert ask.reached == 1


def test_a_refused_head_request_has_no_body(ask: Caller) -> None:
    assert ask({"host": "evil.example"}, method="HEAD")[2] == b""


def test_unusual_methods_are_counted_as_one(ask: Caller) -> None:
    ask(method="BREW")
    assert 'prcard_requests_total{method="OTHER",status="200"} 1' in ask.metrics.text({})


@pytest.mark.parametrize("text", ["https://pms.example", "http://127.0.0.1:3000", "https://[::1]:8443"])
def test_origins(text: str) -> None:
    assert is_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "pms.example",
        "https://",
        "https://pms.example/",
        "ftp://pms.example",
        "https://PMS.example",
        "https://a b",
        "null",
        "",
    ],
)
def test_what_is_no_origin(text: str) -> None:
    assert not is_origin(text)
