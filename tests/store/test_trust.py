"""Trust folders."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prcard.errors import TrustError
from prcard.simulator.issuer import SpecimenIssuer
from prcard.store import trust
from prcard.store.trust import check_store, current_store, load_seen, load_trust, locked, save_trust

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


def test_loading_remembers_the_highest_numbers_and_an_older_list_is_then_told(
    parts: dict[str, list[bytes]], tmp_path: Path, office: Any
) -> None:
    folder = tmp_path / "trust"
    anchors = {"csca": [(office.files()["csca/1.der"])]}
    save_trust(folder, anchors | {"crls": [office.crl(5)], "status": [office.status(6)]})
    material = load_trust(folder)
    assert list(load_seen(folder).crls.values()) == [5]
    assert load_seen(folder).status == {1: 6}
    assert material.highest_status == {}
    save_trust(folder, {"crls": [office.crl(4)], "status": [office.status(5)]})
    material = load_trust(folder)
    assert list(material.highest_crl.values()) == [5]
    assert material.highest_status == {1: 6}


def test_a_folder_that_cannot_be_written_is_loaded_and_remembers_nothing(
    parts: dict[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_trust(tmp_path, parts)
    monkeypatch.setattr(trust, "SEEN_NAME", "nowhere/seen.json")
    assert load_trust(tmp_path).crls
    assert not (tmp_path / "seen.json").exists()


def test_a_damaged_memory_refuses_the_folder(parts: dict[str, list[bytes]], tmp_path: Path) -> None:
    save_trust(tmp_path, parts)
    (tmp_path / "seen.json").write_text("{}")
    with pytest.raises(TrustError) as error:
        load_trust(tmp_path)
    assert error.value.reason == "seen-malformed"
    (tmp_path / "seen.json").unlink()
    (tmp_path / "seen.json").mkdir()
    with pytest.raises(TrustError) as error:
        load_trust(tmp_path)
    assert error.value.reason == "file-unusable"


def test_a_published_store_is_a_plain_folder_too_and_must_be_whole(office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "store", 1)
    assert load_trust(store).anchors == (office.csca,)
    (store / "crls" / "1.crl").write_bytes(office.crl(9))
    with pytest.raises(TrustError, match="crls/1.crl: expected the file that the manifest lists") as error:
        load_trust(store)
    assert error.value.reason == "store-differs"


def test_a_file_too_many_or_too_few_is_noticed(office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "store", 1)
    (store / "csca" / "2.der").write_bytes(b"x")
    with pytest.raises(TrustError, match="csca/2.der: expected only files that the manifest lists"):
        check_store(store)
    (store / "csca" / "2.der").unlink()
    (store / "crls" / "1.crl").unlink()
    with pytest.raises(TrustError, match="No such file"):
        check_store(store)
    (store / "crls" / "1.crl").write_bytes(bytes(trust.MAX_FILE_BYTES + 1))
    with pytest.raises(TrustError) as error:
        check_store(store)
    assert error.value.reason == "too-large"


def test_a_lock_keeps_a_second_writer_out(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(TrustError) as error, locked(tmp_path):
        raise AssertionError("both hold it")
    assert error.value.reason == "store-busy"
    with locked(tmp_path):
        pass
    with pytest.raises(TrustError, match="No such file"), locked(tmp_path / "none"):
        pass


def test_what_current_names(tmp_path: Path) -> None:
    assert current_store(tmp_path) is None
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "current").write_text("000007\n")
    assert current_store(tmp_path) == tmp_path / "published" / "000007"
    (tmp_path / "published" / "current").write_text("../../etc")
    with pytest.raises(TrustError, match="expected the name of a version"):
        current_store(tmp_path)
    (tmp_path / "published" / "current").unlink()
    (tmp_path / "published" / "current").mkdir()
    with pytest.raises(TrustError, match="Is a directory"):
        current_store(tmp_path)


def test_a_reader_that_meets_an_update_reads_the_new_version(
    office: Any, counter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [office.publish(tmp_path / name, number) for name, number in (("old", 1), ("new", 2))]
    (versions[0] / "crls" / "1.crl").unlink()  # as if it was removed while it was read
    answers = [versions[0], versions[1], versions[1]]
    monkeypatch.setattr(trust, "current_store", lambda _: answers.pop(0))
    assert load_trust(counter).crls[0].number == 2


def test_a_version_that_stays_broken_is_said(
    office: Any, counter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = office.publish(tmp_path / "store", 1)
    (store / "crls" / "1.crl").unlink()
    monkeypatch.setattr(trust, "current_store", lambda _: store)
    with pytest.raises(TrustError, match="No such file"):
        load_trust(counter)
    places = iter([store, tmp_path / "a", store, tmp_path / "b"] * 4)
    monkeypatch.setattr(trust, "current_store", lambda _: next(places))
    with pytest.raises(TrustError):
        load_trust(counter)


def test_the_memory_is_json_that_people_can_read(parts: dict[str, list[bytes]], tmp_path: Path) -> None:
    save_trust(tmp_path, parts)
    load_trust(tmp_path)
    assert json.loads((tmp_path / "seen.json").read_text())["status"] == {"1": 1}
