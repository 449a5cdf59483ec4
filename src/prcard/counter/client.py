"""A small client of the local service for Python programs: the standard library and nothing else.

    with CounterClient(token=token) as counter:
        for event in counter.events():
            if event["kind"] == "verdict":
                fields = counter.reveal(event["card"]["presence"], ["number", "english_name"])

It does not read cards: the counter does, once for each presence, whoever listens.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Any, Final, Self

from prcard.errors import FieldProblem, ReaderError, ReaderFault, RecordError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import TracebackType

__all__ = ["DEFAULT_URL", "CounterClient", "CounterRefusedError"]

DEFAULT_URL: Final = "http://127.0.0.1:8964/"
TIMEOUT_S: Final = 10.0
SILENCE_S: Final = 40.0
"""The service says something every 15 s; silence for longer means a dead connection."""

WAITS_S: Final = (0.3, 0.6, 1.2, 2.5, 5.0, 10.0)
MAX_ANSWER_BYTES: Final = 4 << 20
MAX_LINE_BYTES: Final = 1 << 20


class CounterRefusedError(ReaderError):
    """The service refused a request.

    Attributes:
        code: Stable code, see the reference of the service.
        status: HTTP status.
    """

    def __init__(self, code: str, status: int, message: str) -> None:
        """Keeps code and status."""
        self.code = code
        self.status = status
        super().__init__(ReaderFault.REFUSED, f"The counter refused ({code}).", message)


class CounterClient:
    """A paired program; not for use by two threads at once. A context manager, though nothing stays open between calls.

    Args:
        url: Where the counter is.
        token: Token from an earlier `pair`; None until paired.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise RecordError(
                FieldProblem("url", None, "http://127.0.0.1:PORT/", "something else"),
                advice="Use the address that the counter prints.",
            )
        self._host = parts.hostname
        self._port = parts.port or 80
        self.token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def pair(self, code: str, name: str = "program") -> str:
        """Exchanges a one-time code for a token, which it keeps and returns; store it where only you can read it.

        Raises:
            CounterRefusedError: the code is wrong or late.
            ReaderError: nobody answers.
        """
        self.token = str(self._call("POST", "/pairing", {"code": code, "name": name})["token"])
        return self.token

    def new_code(self, admin: str) -> dict[str, Any]:
        """Gets a one-time code; for `prcard counter pair`, which can read the service's state file."""
        return self._call("POST", "/pairing/codes", headers={"x-prcard-admin": admin})

    def state(self) -> dict[str, Any]:
        """Readers, the cards on them (masked), the history of the shift."""
        return self._call("GET", "/state")

    def reveal(self, presence: str, fields: Collection[str]) -> dict[str, str | None]:
        """Fields as they stand on the card, as far as the profile allows; that you asked is logged.

        Raises:
            CounterRefusedError: the card is forgotten, or the profile does not allow a field.
        """
        found: dict[str, str | None] = self._call("POST", f"/presences/{presence}/reveal", {"fields": list(fields)})[
            "fields"
        ]
        return found

    def capture(self, presence: str) -> dict[str, Any]:
        """What was read, to keep; only where the profile allows it."""
        return self._call("POST", f"/presences/{presence}/capture")

    def forget(self, presence: str) -> None:
        """Makes the counter forget a card."""
        self._call("DELETE", f"/presences/{presence}")

    def events(self, last_event_id: str | None = None, *, reconnect: bool = True) -> Iterator[dict[str, Any]]:
        """Gives events as they happen; `hello` with `resumed` false means that the state must be taken anew.

        Args:
            last_event_id: Where to go on from, for instance `last_event_id` of `state()`.
            reconnect: True comes back after a broken connection, with growing pauses, and resumes; False ends.

        Raises:
            CounterRefusedError: not paired, or not on the list.
            ReaderError: nobody answers, and `reconnect` is False.
        """
        failures = 0
        while True:
            try:
                for event in self._listen(last_event_id):
                    failures = 0
                    last_event_id = event.get("id", last_event_id)
                    yield event
            except ReaderError as error:
                if not reconnect or (isinstance(error, CounterRefusedError) and error.status in {401, 403}):
                    raise
            if not reconnect:
                return
            time.sleep(WAITS_S[min(failures, len(WAITS_S) - 1)])
            failures += 1

    def _listen(self, last_event_id: str | None) -> Iterator[dict[str, Any]]:
        headers = {"last-event-id": last_event_id} if last_event_id else {}
        with self._answer("GET", "/events", None, headers, SILENCE_S) as answer:
            while True:
                try:
                    line = answer.readline(MAX_LINE_BYTES)
                except (OSError, http.client.HTTPException):
                    return
                if not line:
                    return
                if line.startswith(b"data: "):
                    event: dict[str, Any] = json.loads(line[6:])
                    yield event

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        with self._answer(method, path, body, headers or {}, TIMEOUT_S) as answer:
            data = answer.read(MAX_ANSWER_BYTES)
            document: dict[str, Any] = json.loads(data) if data else {}
            return document

    @contextlib.contextmanager
    def _answer(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str], timeout_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        line = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            shown = {"authorization": f"Bearer {self.token}"} if self.token else {}
            data = None if body is None else json.dumps(body).encode()
            kind = {} if body is None else {"content-type": "application/json"}
            try:
                line.request(method, f"/api/v1{path}", data, shown | kind | headers)
                answer = line.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise ReaderError(
                    ReaderFault.NOT_FOUND,
                    f"No counter answers at {self._host}:{self._port}.",
                    "Start it with: prcard counter serve",
                ) from error
            if answer.status >= 400:
                raise _refused(answer)
            yield answer
        finally:
            line.close()


def _refused(answer: http.client.HTTPResponse) -> CounterRefusedError:
    try:
        error = json.loads(answer.read(MAX_ANSWER_BYTES))["error"]
        return CounterRefusedError(str(error["code"]), answer.status, str(error["en"]))
    except (ValueError, KeyError, TypeError):
        return CounterRefusedError("unknown", answer.status, "See the log of the counter.")
