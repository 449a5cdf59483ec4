"""Cards for the simulator's tests: bytes that need no codec."""

from __future__ import annotations

import pytest

from prcard.record.raw import ManagementNumbers, RawCard


@pytest.fixture
def card() -> RawCard:
    """A card with every zone filled, each with bytes of its own."""
    return RawCard(
        text=b"t" * 256,
        photo=b"p" * 1024,
        fingerprint=b"C" + b"f" * 1023,
        extra=(b"a" * 70, b"b" * 70),
        management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
    )
