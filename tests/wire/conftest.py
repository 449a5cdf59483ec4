"""Frame vectors of fixtures/frames, which no code of the package has computed."""

from __future__ import annotations

from pathlib import Path

import pytest

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
def frames(
    requests: dict[str, bytes], replies: dict[str, bytes], refusals: dict[str, bytes]
) -> dict[str, bytes]:
    """All good frames."""
    return requests | replies | refusals
