"""Reads cards for hours over a pty, with lifted cards, noise and lost lines mixed in; nothing may grow.

    python benchmarks/soak/run.py --seconds 600

Exit 1 when a reading was wrong, or when memory, descriptors or threads grew after the first tenth of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import random
import resource
import threading
import time
from collections import Counter
from pathlib import Path

from prcard.errors import ReaderError, ReaderFault
from prcard.reader.sam import SAMReader
from prcard.reader.serial import open_channel
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import SPECIMENS

GROWTH_KB = 8_192
"""Growth of the resident memory that is put down to the allocator."""


class Noisy:
    """A channel that now and then flips a bit, drops a byte or adds some, by its own seed."""

    def __init__(self, device: str, source: random.Random) -> None:
        self._inner = open_channel(device)
        self._source = source
        self.speeds = self._inner.speeds

    def set_speed(self, baud: int) -> None:
        self._inner.set_speed(baud)

    def write(self, data: bytes) -> None:
        self._inner.write(data)

    def read(self, timeout_s: float) -> bytes:
        data = bytearray(self._inner.read(timeout_s))
        chance = self._source.random()
        if data and chance < 0.01:
            data[self._source.randrange(len(data))] ^= 1 << self._source.randrange(8)
        elif data and chance < 0.015:
            del data[self._source.randrange(len(data))]
        elif data and chance < 0.02:
            data[0:0] = self._source.randbytes(3)
        return bytes(data)

    def close(self) -> None:
        self._inner.close()


def main() -> int:
    """Runs for the seconds asked for and tells what happened."""
    parser = argparse.ArgumentParser(description="Read cards for a long time.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = random.Random(options.seed)
    seen: Counter[str] = Counter()
    end = time.monotonic() + options.seconds
    mark = time.monotonic() + options.seconds / 10
    before: tuple[int, int, int] | None = None
    virtual, face = VirtualReader(), PtyFace()
    with Server(virtual, [face]):
        device = face.uri.removeprefix("serial:")
        while time.monotonic() < end:
            session(device, virtual, source, seen, end)
            if before is None and time.monotonic() > mark:
                before = usage()
    after = usage()
    print(f"{sum(seen.values())} readings: {dict(seen.most_common())}")
    print(f"memory KiB, descriptors, threads: {before} after a tenth, {after} at the end")
    grown = before is None or after[0] - before[0] > GROWTH_KB or after[1] > before[1] or after[2] > before[2]
    return 1 if grown or seen["wrong"] or not seen["read"] else 0


def session(device: str, virtual: VirtualReader, source: random.Random, seen: Counter[str], end: float) -> None:
    """Opens the reader, reads up to fifty cards and closes it."""
    try:
        reader = SAMReader(Noisy(device, source))
    except ReaderError as error:
        seen[error.fault.value] += 1
        return
    with reader:
        for _ in range(50):
            if time.monotonic() > end:
                return
            card = source.choice(SPECIMENS).card()
            virtual.insert(card)
            lift = threading.Timer(source.random() * 0.01, virtual.remove) if source.random() < 0.1 else None
            if lift:
                lift.start()
            try:
                raw = reader.read(1.0)
                seen["read" if (raw.text, raw.photo) == (card.text, card.photo) else "wrong"] += 1
            except ReaderError as error:
                seen[error.fault.value] += 1
                if error.fault is ReaderFault.CARD_NOT_LIFTED:
                    # Cards follow each other here without a gap; a reader that did not say needs to see one.
                    virtual.remove()
                    with contextlib.suppress(ReaderError):
                        reader.read(0.4)
            if lift:
                lift.join()


def usage() -> tuple[int, int, int]:
    """Resident memory in KiB, open descriptors, threads."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


if __name__ == "__main__":
    raise SystemExit(main())
