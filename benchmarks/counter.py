"""The counter: from a card on a serial reader to a verdict on the page; many listeners; a day's shift.

Our share is what is left of the time between the host's first find of a card and the painted verdict once the time is
taken out that the bytes need on a line of 115200 baud (ten bit times a byte). Everything runs for real: a
pseudo-terminal that is paced at that speed, the station's thread, HTTP, and Debian's Chromium.
"""

from __future__ import annotations

import gc
import random
import resource
import statistics
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prcard.counter import station as stations
from prcard.counter.client import CounterClient
from prcard.counter.policy import Policy
from prcard.counter.server import CounterServer
from prcard.counter.service import Counter
from prcard.counter.station import Times
from prcard.counter.training import TrainingDesk
from prcard.errors import ReaderError
from prcard.reader import watch as watching
from prcard.simulator.device import Line, VirtualReader
from prcard.simulator.faces import PtyFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.profiles import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from prcard.simulator.outbox import Piece

BAUD: Final = 115200
BYTE_S: Final = 10 / BAUD
TARGET_MS: Final = 50.0
READERS: Final = 4
LISTENERS: Final = 50
CARDS_EACH: Final = 15
SHIFT_CARDS: Final = 5_000
SHIFT_S: Final = 24 * 3600.0
GROWTH_KB: Final = 8_192
"""Growth of the resident memory that is put down to the allocator."""

OUTCOMES: Final = {
    "damaged-card": "FAILED",
    "tampered-photo": "FAILED",
    "unknown-edition": "FAILED",
    "lifted-early": "card-removed",
    "refused-card": "card-refused",
    "noisy-line": "",
}
"""Fault -> what must come of it; "" the same as without."""

FAULTS_SHARE: Final = 0.1
CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def run(rounds: int) -> list[dict[str, Any]]:
    """Measures the page `rounds` times, then listeners, then a shift."""
    return [page_share(rounds), many_listeners(), *shift(SHIFT_CARDS)]


# From card to page


class TimedReader(VirtualReader):
    """A virtual reader that notes when it was first asked for a card that lies there, and how many bytes went by."""

    def __init__(self) -> None:
        super().__init__()
        self.found_at = 0.0
        self.bytes = 0
        self.done = False

    def line(self) -> Line:
        """See `VirtualReader.line`."""
        return _Counting(self)


class _Counting(Line):
    def __init__(self, reader: TimedReader) -> None:
        super().__init__(reader)
        self._timed = reader

    def transfer(self, data: bytes, now: float) -> list[Piece]:
        """See `Line.transfer`."""
        before = self._timed.status()["state"]
        pieces = super().transfer(data, now)
        if before == "PRESENT" and self._timed.status()["state"] == "FOUND":
            self._timed.found_at, self._timed.bytes = now, 0
        if self._timed.found_at and not self._timed.done:
            self._timed.bytes += len(data) + sum(len(piece.data) for piece in pieces)
        return pieces


WATCH: Final = """
() => { window.painted = null; new MutationObserver(() => {
  const outcome = document.querySelector("[data-outcome]");
  if (outcome && !window.painted)
    requestAnimationFrame(() => { window.painted = performance.timeOrigin + performance.now(); });
  if (!outcome) window.painted = null;
}).observe(document.body, { subtree: true, childList: true }); }
"""

PAINTED: Final = """
() => new Promise((done) => {
  const look = () => (window.painted ? done(window.painted) : setTimeout(look, 5));
  look();
})
"""


def page_share(rounds: int) -> dict[str, Any]:
    """Our share of the time from the first find of a card to the verdict on the page."""
    from playwright.sync_api import sync_playwright

    virtual, face = TimedReader(), PtyFace()
    policy = Policy(profile=load_profile("training"), training=True)
    shares, wires = [], []
    with (
        Server(virtual, [face], byte_time_s=BYTE_S),
        CounterServer(Counter([(f"{face.uri}?baud={BAUD}", "Desk", policy)]), port=0) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(server.url)
        page.locator("#pair-code").fill(server.counter.pairing.new_code())
        page.keyboard.press("Enter")
        page.locator('[data-state="ready"]').wait_for()
        page.evaluate(WATCH)
        for turn in range(rounds + 1):
            virtual.found_at, virtual.bytes, virtual.done = 0.0, 0, False
            virtual.insert(specimen("alice").card(), "alice")
            painted = page.evaluate(PAINTED) / 1000 - time.time() + time.monotonic()
            virtual.done = True
            wire_s = virtual.bytes * BYTE_S
            if turn:
                shares.append((painted - virtual.found_at - wire_s) * 1000)
                wires.append(wire_s * 1000)
            virtual.remove()
            page.locator(".quiet").wait_for()
            page.keyboard.press("c")
            page.locator('[data-state="ready"]').wait_for()
        browser.close()
    share, wire = statistics.median(shares), statistics.median(wires)
    name, base = "card on a serial reader to verdict on the page, our share", f"on the wire {wire:.0f} ms"
    return result(name, share, "ms", base, share <= TARGET_MS, f"≤ {TARGET_MS:g} ms")


# Listeners


def many_listeners(readers: int = READERS, listeners: int = LISTENERS, cards: int = CARDS_EACH) -> dict[str, Any]:
    """Counts events that any of many listeners missed while every reader takes cards at once."""
    desk = TrainingDesk(readers)
    heard: list[list[str]] = [[] for _ in range(listeners)]
    with CounterServer(Counter(desk=desk), port=0) as server:
        counter = server.counter
        client = CounterClient(server.url)
        token = client.pair(counter.pairing.new_code())
        ready = threading.Barrier(listeners + 1)
        threads = [
            threading.Thread(target=listen, args=(server.url, token, heard[at], ready), daemon=True)
            for at in range(listeners)
        ]
        for thread in threads:
            thread.start()
        ready.wait(30)
        before = counter.hub.last_id
        for _ in range(cards):
            for station in counter.stations:
                desk.insert(station.uri, random.choice(SPECIMENS).name)
            wait(lambda: all(judged(station) for station in counter.stations))
            for station in counter.stations:
                desk.remove(station.uri)
            wait(lambda: all(lifted(station) for station in counter.stations))
    for thread in threads:
        thread.join(30)
    first, last = (int(text.partition(".")[2]) for text in (before, counter.hub.last_id))
    expected = [f"{counter.hub.run}.{number}" for number in range(first + 1, last + 1)]
    missed = sum(len(set(expected) - set(ids)) for ids in heard)
    return result(
        f"events missed, {readers} readers and {listeners} listeners",
        missed,
        "events",
        f"{len(expected)} events to each",
        missed == 0 and len(expected) >= readers * cards * 3,
        "0",
    )


def listen(url: str, token: str, ids: list[str], ready: threading.Barrier) -> None:
    """Notes the id of every event until the service closes."""
    for event in CounterClient(url, token).events(reconnect=False):
        if event["kind"] == "hello":
            ready.wait(30)
        else:
            ids.append(event["id"])


# A day's shift


def shift(cards: int, seed: int = 1) -> list[dict[str, Any]]:
    """Takes a day's cards in compressed time, with faults among them; nothing may grow and no verdict be wrong.

    A day of `cards` cards has one each 17 s; what depends on the clock (reminders, forgetting) is compressed with it.
    """
    source = random.Random(seed)
    desk = TrainingDesk(2)
    compressed = [(vars(watching), "POLL_S", 0.002), (vars(stations), "TICK_S", 0.02)]
    before = [names[name] for names, name, _ in compressed]
    for names, name, value in compressed:
        names[name] = value
    wrong = missing = faults = 0
    usages: list[tuple[int, int, int]] = []
    try:
        with CounterServer(Counter(desk=desk, times=Times(left_behind_s=0.5, forget_s=0.05)), port=0) as server:
            counter = server.counter
            token = CounterClient(server.url).pair(counter.pairing.new_code())
            ready = threading.Barrier(2)
            threading.Thread(target=listen, args=(server.url, token, [], ready), daemon=True).start()
            ready.wait(30)
            wait(lambda: all(station.state.value == "ready" for station in counter.stations))
            for number in range(cards):
                station = counter.stations[number % 2]
                name, fault, expected = draw(source)
                faults += bool(fault)
                if fault:
                    desk.inject(station.uri, fault, name)
                else:
                    desk.insert(station.uri, name)
                if not wait(partial(judged, station), 10):
                    missing += 1
                else:
                    wrong += said(station) != expected
                desk.remove(station.uri)
                wait(partial(lifted, station))
                if number in {cards // 10, cards - 1}:
                    usages.append(usage())
    finally:
        for (names, name, _), value in zip(compressed, before, strict=True):
            names[name] = value
    (memory, descriptors, threads), (memory_after, descriptors_after, threads_after) = usages
    grown = memory_after - memory
    kept = grown <= GROWTH_KB and descriptors_after <= descriptors and threads_after <= threads
    note = f"{cards} cards, {faults} faults"
    others = f"descriptors {descriptors} → {descriptors_after}, threads {threads} → {threads_after}"
    return [
        result("a shift: verdicts wrong or missing", wrong + missing, "verdicts", note, wrong + missing == 0, "0"),
        result("a shift: growth of memory", grown, "KiB", others, kept, f"≤ {GROWTH_KB} KiB, nothing else grows"),
    ]


def draw(source: random.Random) -> tuple[str, str, str]:
    """A specimen, a fault or none, and the outcome that must come of them."""
    name = source.choice([entry.name for entry in SPECIMENS])
    fault = source.choice([*OUTCOMES]) if source.random() < FAULTS_SHARE else ""
    return name, fault, OUTCOMES.get(fault) or ("FAILED" if name == "goro" else "PASSED")


# Parts


def judged(station: stations.Station) -> bool:
    """True once the card that lies there was judged, or could not be read."""
    presence = station.presence
    return presence is not None and presence.lifted_at is None and presence.stage.value != "reading"


def said(station: stations.Station) -> str:
    """What came of the card: the outcome of its verdict, or the fault that it could not be read for."""
    presence = station.presence
    if presence is None:
        return "nothing"
    if presence.verdict is not None:
        return presence.verdict.outcome.value
    return presence.error.fault.value if isinstance(presence.error, ReaderError) else "nothing"


def lifted(station: stations.Station) -> bool:
    """True once no card lies there."""
    presence = station.presence
    return presence is None or presence.lifted_at is not None


def wait(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Waits until a condition holds; False when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def usage() -> tuple[int, int, int]:
    """Resident memory in KiB, open descriptors, threads."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def result(name: str, median: float, unit: str, base: str, holds: bool, target: str) -> dict[str, Any]:
    """One row."""
    return {"name": name, "median": median, "unit": unit, "ratio": None, "base": base, "target": target, "holds": holds}
