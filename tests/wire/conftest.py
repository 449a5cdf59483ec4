"""Frame vectors of fixtures/frames, which no code of the package has computed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FRAMES = Path(__file__).parents[2] / "fixtures" / "frames"


def vectors(group: str) -> dict[str, bytes]:
    """Reads one file of vectors: name -> bytes."""
    lines = (FRAMES / f"{group}.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ") for line in lines if not line.startswith("#"))
    return {name: bytes.fromhex(text) for name, text in pairs}


@pytest.fixture(scope="session")
def requests() -> dict[str, bytes]:
    """Good requests."""
    return vectors("requests")


@pytest.fixture(scope="session")
def replies() -> dict[str, bytes]:
    """Good replies."""
    return vectors("replies")


@pytest.fixture(scope="session")
def refusals() -> dict[str, bytes]:
    """Replies without data that refuse."""
    return vectors("refusals")


@pytest.fixture(scope="session")
def damaged() -> dict[str, bytes]:
    """Bad requests; the name begins with the status that a reader must answer."""
    return vectors("damaged")


@pytest.fixture(scope="session")
def frames(requests: dict[str, bytes], replies: dict[str, bytes], refusals: dict[str, bytes]) -> dict[str, bytes]:
    """All good frames."""
    return requests | replies | refusals


@pytest.fixture(scope="session")
def hostile(frames: dict[str, bytes], damaged: dict[str, bytes]) -> Callable[[int], Iterator[bytes]]:
    """Gives so many random and mutated streams, the same at each run."""
    seeds = [data for data in (frames | damaged).values() if len(data) < 100]
    seeds += [data for data in frames.values() if len(data) == 1297]

    def streams(count: int) -> Iterator[bytes]:
        rng = random.Random(490)
        for number in range(count):
            if number % 4 == 0:
                yield rng.randbytes(rng.randrange(64))
                continue
            stream = bytearray(rng.choice(seeds))
            for _ in range(rng.randrange(4)):
                at = rng.randrange(min(len(stream), 24))
                stream[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
            if number % 4 == 1:
                del stream[rng.randrange(len(stream) + 1) :]
            if number % 4 == 2:
                stream += rng.choice(seeds)
            yield bytes(stream)

    return streams
