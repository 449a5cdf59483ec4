"""A counter that is served for real, with virtual readers, and a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from prcard.counter.compat import vendor
from prcard.counter.pairing import Pairing
from prcard.counter.server import CounterServer
from prcard.counter.service import Counter
from prcard.counter.station import Times
from prcard.counter.training import TrainingDesk
from prcard.reader import watch as watching

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FOREIGN = "https://pms.example"
WAIT_S = 20.0


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The virtual readers take more polls than real ones, which saves waiting."""
    monkeypatch.setattr(watching, "POLL_S", 0.03)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module; not for longer, since its driver keeps an event loop in this thread meanwhile."""
    # A busy machine is slow, and that is no failure.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Served:
    """A counter that is served, with hands for its virtual readers and a client for its API."""

    def __init__(self, server: CounterServer, desk: TrainingDesk) -> None:
        self.server = server
        self.counter = server.counter
        self.desk = desk
        self.http = httpx.Client(base_url=server.url.rstrip("/"), timeout=10)

    @property
    def url(self) -> str:
        return self.server.url

    def uri(self, number: int = 1) -> str:
        return self.counter.station(f"r{number}").uri

    def insert(self, name: str = "alice", number: int = 1) -> None:
        self.desk.insert(self.uri(number), name)

    def remove(self, number: int = 1) -> None:
        self.desk.remove(self.uri(number))

    def clear(self) -> None:
        """Lifts the card and makes the counter forget it."""
        self.remove()
        station = self.counter.stations[0]
        until(lambda: station.presence is None or station.presence.lifted_at is not None)
        if station.presence is not None:
            station.forget(station.presence.id)

    def code(self) -> str:
        return self.counter.pairing.new_code()

    def token(self, origin: str = "") -> str:
        headers = {"origin": origin} if origin else {}
        answer = self.http.post("/api/v1/pairing", json={"code": self.code(), "name": "test"}, headers=headers)
        assert answer.status_code == 200
        token: str = answer.json()["token"]
        return token

    def paired(self) -> httpx.Client:
        self.http.headers["authorization"] = f"Bearer {self.token()}"
        return self.http

    def card(self, number: int = 1, stage: str = "judged") -> dict[str, Any]:
        """Waits until a card is as far as `stage`."""

        def found() -> dict[str, Any] | None:
            card: dict[str, Any] | None = self.counter.station(f"r{number}").to_document()["card"]
            return card if card is not None and card["stage"] == stage else None

        card: dict[str, Any] = until(found)
        return card


def until(condition: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """Waits until a condition holds and gives what it gives."""
    deadline = time.monotonic() + wait_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return found


@contextmanager
def serving(
    readers: int = 1,
    *,
    port: int = 0,
    origins: tuple[str, ...] = (FOREIGN,),
    vendors: tuple[str, ...] = (),
    state: Path | None = None,
    pairing: Pairing | None = None,
    log: Any = None,
    times: Times | None = None,
) -> Iterator[Served]:
    """Serves a counter with virtual readers on free ports."""
    desk = TrainingDesk(readers)
    counter = Counter(desk=desk, pairing=pairing, log=log, times=times)
    made = [vendor(name) for name in vendors]
    for one in made:
        one.port = 0
    with CounterServer(counter, port=port, origins=origins, vendors=made, state=state) as server:
        served = Served(server, desk)
        until(lambda: all(station.state.value == "ready" for station in counter.stations))
        with served.http:
            yield served


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    return serving


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return until


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    """One counter for a whole module of tests, each of which clears its reader behind itself."""
    with serving() as one:
        yield one


@pytest.fixture
def clean(shared: Served) -> Iterator[Served]:
    """The shared counter with an empty reader."""
    yield shared
    shared.clear()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as one:
        yield one
