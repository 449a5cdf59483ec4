"""Eight virtual readers under load, beside the time that a real reader takes; and a thousand cards without growth."""

from __future__ import annotations

import gc
import resource
import socket
import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from prcard.simulator.bench import ReaderBench
from prcard.simulator.factory import make_specimens
from prcard.simulator.fidelity import fidelity
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

READERS = 8
CARDS = 1000
STEPS = ((Command.FIND_CARD, 15), (Command.SELECT_CARD, 19), (Command.READ_TEXT_PHOTO, 1295))
GROWTH_KB = 1024
"""Growth of the resident memory that is put down to the allocator."""


def run(rounds: int) -> list[dict[str, Any]]:
    """Each round reads one card through each of the readers, all at once."""
    taken: dict[Command, list[float]] = {command: [] for command, _ in STEPS}
    with ExitStack() as stack:
        benches = [stack.enter_context(ReaderBench(faces=("tcp",))) for _ in range(READERS)]
        lines = [stack.enter_context(socket.create_connection(bench.address)) for bench in benches]
        for _ in range(rounds * 10):
            for bench in benches:
                bench.insert("alice")
            for command, length in STEPS:
                taken[command] += exchange(lines, Frame.request(command).serialize(), length)
    real = fidelity("real")
    results = []
    for command, length in STEPS:
        allowed_ms = 1000 * (real.rf_s(command) + length * 10 / 115200)
        most_ms, slowest_ms = (
            1000 * at for at in (statistics.quantiles(taken[command], n=100)[98], max(taken[command]))
        )
        results.append(
            {
                "name": f"{READERS} virtual readers at once, {command.name}, 99th percentile of {len(taken[command])}",
                "median": most_ms,
                "unit": "ms",
                "ratio": most_ms / allowed_ms,
                "base": f"real reader {allowed_ms:.1f} ms; slowest here {slowest_ms:.1f} ms",
                "target": "≤ a real reader",
                "holds": most_ms <= allowed_ms,
            }
        )
    return [*results, growth()]


def exchange(lines: list[socket.socket], request: bytes, length: int) -> list[float]:
    """Asks all readers at once and gives the seconds until each reply was whole."""
    seconds = []
    start = time.perf_counter()
    for line in lines:
        line.sendall(request)
    for line in lines:
        left = length
        while left:
            piece = line.recv(left)
            if not piece:
                raise SystemExit("the virtual reader hung up")
            left -= len(piece)
        seconds.append(time.perf_counter() - start)
    return seconds


def growth() -> dict[str, Any]:
    """Swaps a thousand cards, each read once, and compares memory and descriptors with those after a hundred."""
    before = (0, 0)
    with ReaderBench(faces=("tcp", "serial", "udp")) as bench, socket.create_connection(bench.address) as line:
        for at, made in enumerate(make_specimens(CARDS, seed=1)):
            bench.insert(made.card, made.name)
            for command, length in STEPS:
                line.sendall(Frame.request(command).serialize())
                data = b""
                while len(data) < length:
                    data += line.recv(length - len(data))
            if data[14:270] != made.card.text:
                raise SystemExit("the wrong card was read")
            if at == CARDS // 10:
                before = usage()
        after = usage()
    grown = after[0] - before[0]
    return {
        "name": f"{CARDS} cards swapped in one process, growth",
        "median": float(grown),
        "unit": "KiB",
        "ratio": 1.0,
        "base": f"descriptors {before[1]} then {after[1]}",
        "target": f"≤ {GROWTH_KB} KiB, no descriptor",
        "holds": grown <= GROWTH_KB and after[1] <= before[1],
    }


def usage() -> tuple[int, int]:
    """Resident memory in KiB, open descriptors."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024, len(list(Path("/proc/self/fd").iterdir()))
