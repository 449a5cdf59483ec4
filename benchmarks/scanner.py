"""How many frames a second the scanner finds in a corrupted stream, and how fast a check byte is computed."""

from __future__ import annotations

import random
import statistics
import time
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Any

from prcard.wire.frame import PREAMBLE, Frame, xor_check
from prcard.wire.scanner import FrameScanner

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES = 400
BODY_BYTES = (1287, 2313)
"""Bodies of the frames of 1295 bytes (text and photo) and of 2321 bytes (with two fingers)."""
TARGETS = {4096: 60_000, 64: 20_000}
XOR_TARGET = 5.0


def run(rounds: int) -> list[dict[str, Any]]:
    """Interleaves scanner and per-byte machine at both sizes of a read, then check byte and loop."""
    stream, intact = corrupted_stream(random.Random(490))
    return [*(_scan(rounds, stream, intact, piece) for piece in TARGETS), _xor(rounds)]


def corrupted_stream(rng: random.Random) -> tuple[bytes, int]:
    """Long and very long frames, 1 % with a flipped bit, noise in between; and how many are intact."""
    stream, intact = bytearray(), 0
    noise = (b"", b"\xaa", PREAMBLE[:4], PREAMBLE + b"\x05\x08")
    for number in range(FRAMES):
        frame = bytearray(Frame(body=rng.randbytes(BODY_BYTES[number % 2])).serialize())
        if number % 100 == 50:
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        else:
            intact += 1
        stream += rng.choices(noise, (97, 1, 1, 1))[0] + frame
    return bytes(stream), intact


def scan(stream: bytes, piece: int) -> int:
    """Feeds the stream in pieces and counts frames; the line is silent at the end."""
    scanner, count = FrameScanner(), 0
    for at in range(0, len(stream), piece):
        scanner.receive_data(stream[at : at + piece], 0.0)
        while (found := scanner.next_frame(0.0)) is not None:
            count += isinstance(found, Frame)
    while (found := scanner.next_frame(9.0)) is not None:
        count += isinstance(found, Frame)
    return count


class ByteMachine:
    """What firmware does, one byte at a time: synchronise, count, add up. Loses frames in a false header."""

    def __init__(self) -> None:
        """Starts unsynchronised."""
        self.matched = 0
        self.left = 0
        self.header = 0
        self.length = 0
        self.check = 0
        self.frames = 0

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        for byte in data:
            if self.matched < 5:
                if byte == PREAMBLE[self.matched]:
                    self.matched += 1
                elif not (self.matched == 3 and byte == 0xAA):
                    self.matched = int(byte == 0xAA)
                self.header, self.length, self.check = 0, 0, 0
            elif self.header < 2:
                self.length = self.length << 8 | byte
                self.check ^= byte
                self.header += 1
                self.left = self.length
                if self.header == 2 and not 3 <= self.length <= 0x090A:
                    self.matched = 0
            else:
                self.check ^= byte
                self.left -= 1
                if not self.left:
                    self.frames += not self.check
                    self.matched = 0


def byte_machine(stream: bytes, piece: int) -> int:
    """Feeds the stream in pieces to the per-byte machine and counts frames."""
    machine = ByteMachine()
    for at in range(0, len(stream), piece):
        machine.feed(stream[at : at + piece])
    return machine.frames


def _scan(rounds: int, stream: bytes, intact: int, piece: int) -> dict[str, Any]:
    ours: list[float] = []
    ratios: list[float] = []
    found = set()
    for _ in range(rounds):
        seconds, count = _timed(lambda: scan(stream, piece))
        machine_seconds, machine_count = _timed(lambda: byte_machine(stream, piece))
        found.add(count)
        ours.append(count / seconds)
        ratios.append((count / seconds) / (machine_count / machine_seconds))
    median = statistics.median(ours)
    return {
        "name": f"scanner, reads of {piece} bytes, 1 % corrupt, {intact} of {intact} intact frames found"
        if found == {intact}
        else f"scanner, reads of {piece} bytes, INTACT FRAMES LOST",
        "median": median,
        "unit": "frames/s",
        "ratio": statistics.median(ratios),
        "base": "per-byte state machine",
        "target": f"≥ {TARGETS[piece]:,} frames/s",
        "holds": median >= TARGETS[piece] and found == {intact},
    }


def _xor(rounds: int) -> dict[str, Any]:
    data = random.Random(490).randbytes(BODY_BYTES[0] + 2)
    fast: list[float] = []
    ratios: list[float] = []
    for _ in range(rounds):
        seconds, _ = _timed(lambda: [xor_check(data) for _ in range(200)])
        loop_seconds, _ = _timed(lambda: [_loop(data) for _ in range(200)])
        fast.append(seconds / 200)
        ratios.append(loop_seconds / seconds)
    ratio = statistics.median(ratios)
    return {
        "name": f"check byte of {len(data)} bytes",
        "median": statistics.median(fast) * 1e6,
        "unit": "µs",
        "ratio": ratio,
        "base": "loop over the bytes",
        "target": f"≥ {XOR_TARGET:g} × faster",
        "holds": ratio >= XOR_TARGET and xor_check(data) == reduce(xor, data),
    }


def _loop(data: bytes) -> int:
    check = 0
    for byte in data:
        check ^= byte
    return check


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
