"""Trust material: whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.trust.material import load_material


def test_everything_is_kept(issuer: Any) -> None:
    material = issuer.material
    assert material.anchors == (issuer.csca,)
    assert material.signers == (issuer.dsc,)
    assert [crl.issuer for crl in material.crls] == [issuer.csca]
    assert len(material.status_lists) == 1


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("anchors", b"rubbish", "certificate-malformed"),
        ("anchors", "dsc.der", "anchor-profile"),
        ("signers", b"", "certificate-malformed"),
        ("crls", b"rubbish", "crl-profile"),
        ("status_lists", b"rubbish", None),
        ("status_lists", "csca.crl", None),
    ],
)
def test_one_bad_piece_refuses_all(p256: Any, part: str, value: bytes | str, reason: str | None) -> None:
    pieces: dict[str, list[bytes]] = {"anchors": [p256.data["csca.der"]]}
    pieces[part] = [p256.data[value] if isinstance(value, str) else value]
    with pytest.raises(TrustError) as error:
        load_material(**pieces)  # type: ignore[arg-type]  # lists of bytes by name
    assert reason is None or error.value.reason == reason


def test_a_list_of_another_issuer_is_refused(p256: Any) -> None:
    with pytest.raises(TrustError):
        load_material([p256.data["next-csca.der"]], crls=[p256.data["csca.crl"]])
