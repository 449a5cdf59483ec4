"""Cards and profiles for the acceptance tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from prcard.acceptance.profile import Profile
from prcard.record import decode, from_document, to_document
from prcard.record.raw import Provenance, RawCard
from prcard.simulator.specimens import specimen
from prcard.store.profiles import load_profile

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
SAM = "05.01-20101129-0001228293-0296863149"


@pytest.fixture
def now() -> datetime:
    """A moment at which most specimens are valid: 1 June 2026, noon in China."""
    return NOW


@pytest.fixture
def training() -> Profile:
    return load_profile("training")


@pytest.fixture
def counter() -> Profile:
    return load_profile("counter")


@pytest.fixture
def card() -> Callable[..., RawCard]:
    """A specimen with some fields of its record changed; by default named as a real person would be."""

    def build(name: str = "alice", **changes: Any) -> RawCard:
        raw = specimen(name).card()
        document = to_document(decode(raw.text)) | changes
        return replace(raw, text=from_document(document).raw)

    return build


@pytest.fixture
def real() -> Callable[..., RawCard]:
    """A card that does not say SPECIMEN, read by a real reader, with the header of a real photo; nobody's data."""

    def build(sam_id: str | None = SAM, **changes: Any) -> RawCard:
        raw = specimen("alice").card()
        names = {"english_name": "NOBODY, NOWHERE", "chinese_name": ""}
        document = to_document(decode(raw.text)) | names | changes
        return replace(
            raw,
            text=from_document(document).raw,
            photo=bytes.fromhex("574C66007E003200").ljust(1024, b"x"),
            provenance=Provenance(reader="serial:/dev/ttyUSB0", transport="serial", sam_id=sam_id),
        )

    return build
