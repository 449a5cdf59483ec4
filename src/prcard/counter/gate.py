"""What stands before the service: every request is looked at here before any of it is believed.

A page anywhere in the world can make a browser on this machine call a service on loopback. So a request must name a
host of ours (DNS rebinding), come from a page on the list (cross-origin), be small and be quick, and nobody may try
often. Pure ASGI, so that it stands before any application.

Source: WHATWG Fetch (CORS, Sec-Fetch headers), WICG Private Network Access and Local Network Access.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

from prcard.counter.refusals import Refusal, document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, MutableMapping

    from prcard.counter.journal import Journal
    from prcard.counter.metrics import Metrics

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["BODY_S", "CSP", "MAX_BODY_BYTES", "Gate", "Rate", "is_origin", "own_hosts"]

MAX_BODY_BYTES: Final = 16_384
BODY_S: Final = 5.0
"""Longest wait for a whole body in seconds."""

REQUESTS_PER_S: Final = 50.0
BURST: Final = 300
PAIRINGS_PER_S: Final = 0.2
PAIRING_BURST: Final = 10
MAX_CALLERS: Final = 256

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()"),
)
_NAVIGATION: Final = {"document", "empty", ""}


def own_hosts(port: int) -> frozenset[str]:
    """Host headers by which this service is called on loopback."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def is_origin(text: str) -> bool:
    """Tells whether a text is an origin as browsers write it: scheme, host, port where it is not the usual one."""
    scheme, mark, host = text.partition("://")
    good = scheme in {"http", "https"} and bool(mark) and bool(host) and host == host.lower()
    return good and not set(host) & set(" /?#@*\\\"'<>,;") and host.isascii() and host.isprintable()


class Rate:
    """A bucket of permits for each caller.

    Args:
        per_s: Permits that come back in a second.
        burst: Permits that a caller may use at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, caller: str, now: float) -> float:
        """Takes a permit; gives 0, or the seconds until there is one."""
        left, at = self._left.pop(caller, (float(self._burst), now))
        left = min(left + (now - at) * self._per_s, self._burst)
        # Most recent last, so that what falls out is who was not seen for longest.
        self._left[caller] = (max(left - 1, 0.0), now) if left >= 1 else (left, now)
        while len(self._left) > MAX_CALLERS:
            del self._left[next(iter(self._left))]
        return 0.0 if left >= 1 else (1 - left) / self._per_s


class Gate:
    """Stands before `app`; see the module.

    Args:
        app: The application.
        hosts: Host headers that are ours.
        origins: Origins of pages that may call, beside our own.
        metrics: Where refusals are counted.
        journal: Where they are logged.
        pairing_path: Path at which codes are tried: its rate is lower.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Collection[str],
        origins: Collection[str],
        metrics: Metrics,
        journal: Journal,
        pairing_path: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._own = frozenset(f"http://{host}" for host in hosts)
        self._origins = frozenset(origins)
        self._metrics = metrics
        self._journal = journal
        self._pairing_path = pairing_path
        self._clock = clock
        self._rate = Rate(REQUESTS_PER_S, BURST)
        self._pairing_rate = Rate(PAIRINGS_PER_S, PAIRING_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection as ASGI wants it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        origin = headers.get("origin")
        listed = origin if origin in self._origins else None
        # A script tag names no origin; the browser hands it the answer only if the answer says that it may.
        by_script = origin is None and self._referred(headers)
        answer = _Answer(self, scope, send, listed, by_script=by_script)
        refusal = self._look(scope, headers)
        if refusal is not None:
            await self._refuse(answer, scope, receive, refusal)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await answer.preflight(headers)
        else:
            await self._pass_on(answer, scope, receive, headers)

    def _look(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        if headers.get("host", "").lower() not in self._hosts:
            return Refusal.HOST
        origin = headers.get("origin")
        if origin is not None:
            if origin not in self._own and origin not in self._origins:
                return Refusal.ORIGIN
        elif not self._silent_caller_is_ours(scope, headers):
            return Refusal.ORIGIN
        return None

    def _silent_caller_is_ours(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Judges a request without Origin: a program's, our own page's, or a link that somebody followed."""
        if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
            return True
        followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in _NAVIGATION
        # Following a link shows the page only, and our page shows nothing that the foreign one could read.
        if followed and scope.get("method") == "GET" and scope["path"] in {"/", "/index.html"}:
            return True
        return self._referred(headers)

    def _referred(self, headers: dict[str, str]) -> bool:
        """A script tag (JSONP) of a page on the list names it in Referer alone."""
        parts = headers.get("referer", "").split("/", 3)
        return len(parts) >= 3 and f"{parts[0]}//{parts[2]}" in self._origins

    async def _pass_on(self, answer: _Answer, scope: Scope, receive: Receive, headers: dict[str, str]) -> None:
        caller = headers.get("origin") or headers.get("user-agent", "")[:80]
        trying = scope["path"] == self._pairing_path and scope["method"] == "POST"
        wait_s = (self._pairing_rate if trying else self._rate).wait_s("" if trying else caller, self._clock())
        if wait_s:
            await self._refuse(answer, scope, receive, Refusal.TOO_MANY, retry_after_s=wait_s)
            return
        body = await _whole_body(receive, headers)
        if isinstance(body, Refusal):
            await self._refuse(answer, scope, receive, body)
            return
        await self._app(scope, _replay(body, receive), answer.send)

    async def _refuse(
        self, answer: _Answer, scope: Scope, receive: Receive, refusal: Refusal, *, retry_after_s: float = 0.0
    ) -> None:
        self._metrics.count("prcard_refusals_total", refusal.code)
        self._journal.log("refused", reason=refusal.code, method=scope.get("method", "WEBSOCKET"))
        if scope["type"] == "websocket":
            await receive()
            await answer.raw({"type": "websocket.close", "code": 1008, "reason": refusal.code})
            return
        extra = [(b"retry-after", str(int(retry_after_s) + 1).encode())] if retry_after_s else []
        if refusal in {Refusal.TOO_LARGE, Refusal.TOO_SLOW}:
            # What is left of the body is not read: the connection ends here.
            extra.append((b"connection", b"close"))
        await answer.whole(refusal.status, json.dumps(document(refusal), ensure_ascii=False).encode(), extra)

    def counted(self, scope: Scope, status: int) -> None:
        """Counts an answered request."""
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.count("prcard_requests_total", method, str(status))


class _Answer:
    """Sends answers with the headers that every one of them has."""

    def __init__(self, gate: Gate, scope: Scope, send: Send, cors_origin: str | None, *, by_script: bool) -> None:
        self._by_script = by_script
        self._gate = gate
        self._scope = scope
        self.raw = send
        self._cors = cors_origin

    async def send(self, message: Message) -> None:
        """Passes a message on; the first one gets our headers."""
        if message["type"] == "http.response.start":
            self._gate.counted(self._scope, message["status"])
            present = {name for name, _ in message.get("headers", [])}
            policy = b"cross-origin" if self._by_script else b"same-origin"
            added = [*HEADERS, *self._cors_headers(), (b"cache-control", b"no-store")]
            added.append((b"cross-origin-resource-policy", policy))
            message["headers"] = [*message.get("headers", []), *(pair for pair in added if pair[0] not in present)]
        await self.raw(message)

    async def whole(self, status: int, body: bytes, extra: list[tuple[bytes, bytes]]) -> None:
        """Sends one whole answer of JSON."""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *extra]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})

    async def preflight(self, asked: dict[str, str]) -> None:
        """Answers a browser that asks before it calls."""
        headers = [
            (b"access-control-allow-methods", b"GET, POST, DELETE"),
            (b"access-control-allow-headers", b"authorization, content-type, last-event-id"),
            (b"access-control-max-age", b"600"),
            (b"content-length", b"0"),
        ]
        headers += [
            (f"access-control-allow-{kind}-network".encode(), b"true")
            for kind in ("private", "local")
            if asked.get(f"access-control-request-{kind}-network") == "true"
        ]
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    def _cors_headers(self) -> list[tuple[bytes, bytes]]:
        if self._cors is None:
            return [(b"vary", b"Origin")]
        return [
            (b"access-control-allow-origin", self._cors.encode()),
            (b"access-control-expose-headers", b"retry-after"),
            (b"vary", b"Origin"),
        ]


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name; Host or Origin that is there twice is none, so that nobody hides behind one."""
    found: dict[str, str] = {}
    twice = set()
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in found:
            twice.add(key)
        found[key] = value.decode("latin-1")
    for key in twice & {"host", "origin"}:
        found[key] = "\0"
    return found


async def _whole_body(receive: Receive, headers: dict[str, str]) -> bytes | Refusal:
    """Takes the whole body before anybody works on it, within its limits of size and time."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length[:12]) > MAX_BODY_BYTES:
        return Refusal.TOO_LARGE
    pieces, total = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return b""
                pieces.append(message.get("body", b""))
                total += len(pieces[-1])
                if total > MAX_BODY_BYTES:
                    return Refusal.TOO_LARGE
                if not message.get("more_body", False):
                    return b"".join(pieces)
    except TimeoutError:
        return Refusal.TOO_SLOW


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then what the server says (that the caller left)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again
