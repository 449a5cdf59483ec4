"""Our share of the time from request to verdict over a pty, beside a bare exchange of the same frames."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import Any

import serial

from prcard.acceptance.verify import verify
from prcard.reader.sam import SAMReader
from prcard.reader.serial import open_channel
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

TARGET_MS = 10.0
_REPLIES = ((Command.FIND_CARD, 15), (Command.SELECT_CARD, 19), (Command.READ_TEXT_PHOTO_FINGERPRINT, 1297))


def run(rounds: int) -> list[dict[str, Any]]:
    """Each round reads once through prcard and once through a loop of writes and fixed-length reads."""
    virtual, face = VirtualReader(read_once=False), PtyFace()
    profile = load_profile("training")
    ours, bare = [], []
    with Server(virtual, [face]):
        device = face.uri.removeprefix("serial:")
        for turn in range(rounds + 1):
            virtual.insert(specimen("alice").card(), "alice")
            with serial.Serial(device, 115200, timeout=2) as port:
                start = time.perf_counter()
                for command, length in _REPLIES:
                    port.write(Frame.request(command).serialize())
                    if len(port.read(length)) != length:
                        raise SystemExit("the virtual reader did not answer in full")
                wire_s = time.perf_counter() - start
            with SAMReader(open_channel(device)) as reader:
                start = time.perf_counter()
                verdict = verify(reader.read(), profile, datetime.now(UTC))
                total_s = time.perf_counter() - start
            if verdict.outcome.value != "PASSED":
                raise SystemExit(f"the specimen is not good: {[check.code for check in verdict.failed]}")
            if turn:
                ours.append((total_s - wire_s) * 1000)
                bare.append(wire_s * 1000)
    share = statistics.median(ours)
    return [
        {
            "name": "read over a pty, request to verdict, our share",
            "median": share,
            "unit": "ms",
            "ratio": (share + statistics.median(bare)) / statistics.median(bare),
            "base": f"bare exchange of the same frames, {statistics.median(bare):.2f} ms",
            "target": f"≤ {TARGET_MS:g} ms",
            "holds": share <= TARGET_MS,
        }
    ]
