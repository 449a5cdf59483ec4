"""How long `prcard --help` takes, beside bare Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TARGET = 5.5


def run(rounds: int) -> list[dict[str, Any]]:
    """Interleaves whole processes: bare Python and the console script."""
    script = Path(sys.executable).with_name("prcard")
    commands = {"bare": [sys.executable, "-c", "pass"], "help": [str(script), "--help"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            # The first turn warms the file cache and writes byte code.
            if turn:
                times[name].append(time.perf_counter() - start)
    ratio = statistics.median(h / b for h, b in zip(times["help"], times["bare"], strict=True))
    return [
        {
            "name": "prcard --help",
            "median": statistics.median(times["help"]) * 1000,
            "unit": "ms",
            "ratio": ratio,
            "base": "python -c pass",
            "target": f"≤ {TARGET} ×",
            "holds": ratio <= TARGET,
        }
    ]
