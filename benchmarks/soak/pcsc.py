"""Lays cards into a real pcscd and takes them out again, while cards are killed mid-read and pcscd dies.

    python benchmarks/soak/pcsc.py --insertions 200

Three in ten cards are lifted and one in ten services is killed at a random moment of the reading. Exit 1 when an
insertion or removal was not reported exactly once, when bytes were wrong, or when descriptors, threads or memory grew.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from prcard.errors import ReaderError
from prcard.reader.watch import EventKind, ReaderEvent, watch
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import SPECIMENS
from prcard.simulator.vpcd import PCSCFace

if TYPE_CHECKING:
    from prcard.reader.watch import Watcher
    from prcard.record.raw import RawCard

WITHIN_S = 0.004
"""The moment of a death lies within so many seconds of the reading's start: before, in the middle and after it."""

EVENT_S = 10.0
GROWTH_KB = 8_192


class Soak:
    """One watcher on one virtual reader, and what was seen."""

    def __init__(self, face: PCSCFace, virtual: VirtualReader, watcher: Watcher, seed: int) -> None:
        self.face, self.virtual, self.watcher = face, virtual, watcher
        self.source = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.in_s: list[float] = []
        self.out_s: list[float] = []
        self.faults: list[str] = []

    def take(self, kind: EventKind) -> ReaderEvent | None:
        """Takes the next event; another one than expected, or none, is a fault."""
        event = self.watcher.next_event(EVENT_S)
        if event is not None:
            self.events[event.kind.value] += 1
        if event is None or event.kind is not kind:
            self.faults.append(f"expected {kind.value}, found {event.kind.value if event else 'nothing'}")
        return event

    def insertion(self, number: int) -> None:
        """One card from laying down to the report that it is gone."""
        card = self.source.choice(SPECIMENS).card()
        start = time.monotonic()
        self.virtual.insert(card)
        event = self.take(EventKind.CARD_IN)
        self.in_s.append(time.monotonic() - start)
        if event is not None and event.presence != number:
            self.faults.append(f"card {number} was reported as number {event.presence}")
        fate = self.source.choices(("read", "lifted", "killed"), weights=(6, 3, 1))[0]
        self.read(card, fate)
        start = time.monotonic()
        self.virtual.remove()
        if fate == "killed":
            self.face.pcscd.kill()
        gone = self.take(EventKind.CARD_OUT)
        self.out_s.append(time.monotonic() - start)
        if gone is not None and gone.presence != number:
            self.faults.append(f"the end of card {number} was reported as that of {gone.presence}")
        if fate == "killed":
            self.revive()

    def read(self, card: RawCard, fate: str) -> None:
        """Reads the card while something happens to it."""
        act = {"read": None, "lifted": self.virtual.remove, "killed": self.face.pcscd.kill}[fate]
        timer = threading.Timer(self.source.random() * WITHIN_S, act) if act else None
        if timer:
            timer.start()
        try:
            raw = self.watcher.read(self.face.uri, 5)
            self.seen[f"{fate}: whole"] += 1
            if (raw.text, raw.photo) != (card.text, card.photo):
                self.faults.append("wrong bytes")
        except ReaderError as error:
            self.seen[f"{fate}: {error.fault.value}"] += 1
            if fate == "read":
                self.faults.append(f"a card that lay still was not read: {error}")
        if timer:
            timer.join()

    def revive(self) -> None:
        """The service comes back; every reader and the service itself are reported once each way."""
        for _ in range(self.face.pcscd.slots):
            self.take(EventKind.READER_OUT)
        self.take(EventKind.SERVICE_DOWN)
        self.face.pcscd.restart()
        self.take(EventKind.SERVICE_UP)
        for _ in range(self.face.pcscd.slots):
            self.take(EventKind.READER_IN)


def usage() -> tuple[int, int, int]:
    """Resident memory in KiB, open descriptors, threads."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def main() -> int:
    """Lays down as many cards as asked for and tells what happened."""
    parser = argparse.ArgumentParser(description="Lay cards into a real pcscd for a long time.")
    parser.add_argument("--insertions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    virtual = VirtualReader()
    before: tuple[int, int, int] | None = None
    with PCSCFace(virtual, swap_s=0.0) as face:
        os.environ["PCSCLITE_CSOCK_NAME"] = face.socket
        with watch(["pcsc:prcard"]) as watcher:
            soak = Soak(face, virtual, watcher, options.seed)
            for _ in range(face.pcscd.slots):
                soak.take(EventKind.READER_IN)
            for number in range(1, options.insertions + 1):
                soak.insertion(number)
                if number == max(options.insertions // 10, 1):
                    before = usage()
                if soak.faults:
                    break
            after = usage()
            extra = watcher.next_event(1.0)
            if extra is not None:
                soak.faults.append(f"expected silence at the end, found {extra.kind.value}")
    print(f"{options.insertions} insertions: {dict(soak.seen.most_common())}")
    print(f"events: {dict(soak.events.most_common())}")
    for name, times in (("card-in", soak.in_s), ("card-out", soak.out_s)):
        print(f"{name} after s: median {statistics.median(times):.3f}, longest {max(times):.3f}")
    print(f"memory KiB, descriptors, threads: {before} after a tenth, {after} at the end")
    if before is not None and (after[0] - before[0] > GROWTH_KB or after[1] > before[1] or after[2] > before[2]):
        soak.faults.append("memory, descriptors or threads grew")
    for fault in soak.faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    return 1 if soak.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
