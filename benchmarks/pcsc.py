"""A whole card over PC/SC, in process and through pcscd, and how soon the watcher tells and stops."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prcard.reader.pcsc import PCSCReader
from prcard.reader.watch import EventKind, watch
from prcard.simulator.apdu_card import APDUCard
from prcard.simulator.specimens import specimen
from prcard.wire.apdu import ResponseAPDU
from prcard.wire.card_application import CardReading, read_pcsc_card
from prcard.wire.tlv import wrap

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

CARD = replace(specimen("alice").card(), security_object=wrap(0x77, bytes(2044)))
"""256 bytes of text, 1024 of photo, 2048 of security object."""

READS_PER_ROUND = 20

# The virtual card runs in a process of its own: in this one it would share the interpreter's lock with the reader.
SERVE = """
import sys
from dataclasses import replace
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.vpcd import PCSCFace
from prcard.wire.tlv import wrap
reader = VirtualReader()
card = replace(specimen("alice").card(), security_object=wrap(0x77, bytes(2044)))
reader.insert(card)
with PCSCFace(reader, swap_s=0.0) as face:
    print(face.socket, face.names[0], sep="\\t", flush=True)
    for line in sys.stdin:
        reader.insert(card) if line == "in\\n" else reader.remove()
"""


def run(rounds: int) -> list[dict[str, Any]]:
    """Reads in interleaved rounds; each figure is the median over the rounds of the median of a round."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        if process.stdout is None or process.stdin is None:
            raise SystemExit("the virtual reader has no pipes")
        socket, name = process.stdout.readline().strip().split("\t")
        os.environ["PCSCLITE_CSOCK_NAME"] = socket
        short, long = PCSCReader(name, extended=False), PCSCReader(name)
        cards = APDUCard(CARD)
        times: dict[str, list[float]] = {"short": [], "long": [], "process, short": [], "process, long": []}
        for _ in range(rounds):
            times["short"].append(read_ms(short))
            times["long"].append(read_ms(long))
            times["process, short"].append(in_process_ms(cards, extended=False))
            times["process, long"].append(in_process_ms(cards, extended=True))
        seen, gone, stopped = watcher_ms(name, process.stdin, rounds)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait(20)
    median = {name: statistics.median(values) for name, values in times.items()}
    return [
        result("whole card through pcscd, short APDUs", median["short"], 6.0),
        result("whole card through pcscd, long APDUs", median["long"], 6.0, median["short"], "short APDUs"),
        result("whole card in process, short APDUs", median["process, short"], 0.5),
        result(
            "whole card in process, long APDUs", median["process, long"], 0.5, median["process, short"], "short APDUs"
        ),
        result("watcher: card-in after the card was laid down", statistics.median(seen), 450.0),
        result("watcher: card-out after the card was lifted", statistics.median(gone), 450.0),
        result("watcher: the slowest card-in or card-out", max(seen + gone), 450.0),
        result("watcher: the slowest stop", max(stopped), 50.0),
    ]


def read_ms(reader: PCSCReader) -> float:
    """Median of some readings, connection included."""
    times = []
    for _ in range(READS_PER_ROUND):
        reader.forget()
        start = time.perf_counter()
        raw: RawCard = reader.read(10)
        times.append((time.perf_counter() - start) * 1000)
        if (raw.text, raw.photo, raw.security_object) != (CARD.text, CARD.photo, CARD.security_object):
            raise SystemExit("another card was read")
    return statistics.median(times)


def in_process_ms(card: APDUCard, *, extended: bool) -> float:
    """The procedure and the virtual card alone, bytes for bytes."""
    times = []
    for _ in range(READS_PER_ROUND):
        card.reset()
        start = time.perf_counter()
        procedure = read_pcsc_card(card.atr, extended=extended)
        reading: CardReading | None = None
        command = next(procedure)
        while reading is None:
            try:
                command = procedure.send(ResponseAPDU.parse(card.answer(command.serialize())))
            except StopIteration as end:
                reading = end.value
        times.append((time.perf_counter() - start) * 1000)
        if reading.security_object != CARD.security_object:
            raise SystemExit("another card was read")
    return statistics.median(times)


def watcher_ms(name: str, control: Any, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds from laying down and lifting to the event, and for closing the watcher."""
    seen: list[float] = []
    gone: list[float] = []
    stopped: list[float] = []
    for _ in range(rounds):
        watcher = watch([f"pcsc:{name}"])
        expect(watcher, EventKind.READER_IN)
        expect(watcher, EventKind.CARD_IN)
        for words, kind, times in (("out\n", EventKind.CARD_OUT, gone), ("in\n", EventKind.CARD_IN, seen)):
            start = time.perf_counter()
            control.write(words)
            control.flush()
            expect(watcher, kind)
            times.append((time.perf_counter() - start) * 1000)
        start = time.perf_counter()
        watcher.close()
        stopped.append((time.perf_counter() - start) * 1000)
    return seen, gone, stopped


def expect(watcher: Any, kind: EventKind) -> None:
    """Takes the next event, which must be of this kind."""
    event = watcher.next_event(10)
    if event is None or event.kind is not kind:
        raise SystemExit(f"expected {kind.value}, found {event}")


def result(name: str, value: float, target: float, base: float | None = None, words: str = "") -> dict[str, Any]:
    """One row."""
    return {
        "name": name,
        "median": value,
        "unit": "ms",
        "ratio": None if base is None else value / base,
        "base": f"{words}, {base:.2f} ms" if base is not None else None,
        "target": f"≤ {target:g} ms",
        "holds": value <= target,
    }


if __name__ == "__main__":
    print(json.dumps(run(9), indent=2))
