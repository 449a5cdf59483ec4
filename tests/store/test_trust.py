"""Trust folders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from prcard.errors import TrustError
from prcard.simulator.issuer import SpecimenIssuer
from prcard.store import trust
from prcard.store.trust import load_trust, save_trust

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def parts() -> dict[str, list[bytes]]:
    issuer = SpecimenIssuer(NOW)
    return {"csca": [issuer.csca], "signers": [issuer.dsc], "crls": [issuer.crl], "status": [issuer.status_list]}


def test_what_is_saved_is_loaded(parts: dict[str, list[bytes]], tmp_path: Path) -> None:
    for _ in range(2):
        save_trust(tmp_path / "trust", parts)
    material = load_trust(tmp_path / "trust")
    assert len(material.anchors) == len(material.signers) == len(material.crls) == len(material.status_lists) == 1


def test_lists_may_be_missing_but_no_issuer(parts: dict[str, list[bytes]], tmp_path: Path) -> None:
    save_trust(tmp_path / "trust", {"csca": parts["csca"]})
    assert load_trust(tmp_path / "trust").crls == ()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(TrustError, match="expected a trust folder with csca"):
            load_trust(folder)


def test_one_bad_file_refuses_all(parts: dict[str, list[bytes]], tmp_path: Path) -> None:
    save_trust(tmp_path / "trust", parts | {"crls": [b"rubbish"]})
    with pytest.raises(TrustError) as error:
        load_trust(tmp_path / "trust")
    assert error.value.reason == "crl-profile"


def test_limits(parts: dict[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_trust(tmp_path / "trust", parts)
    monkeypatch.setattr(trust, "MAX_FILE_BYTES", 10)
    with pytest.raises(TrustError) as error:
        load_trust(tmp_path / "trust")
    assert error.value.reason == "too-large"


def test_a_folder_that_cannot_be_made(parts: dict[str, list[bytes]], tmp_path: Path) -> None:
    (tmp_path / "trust").write_text("a file")
    with pytest.raises(TrustError, match="a place that can be used"):
        save_trust(tmp_path / "trust", parts)
