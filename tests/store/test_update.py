"""Updates: a good one is in use at once; a bad, broken or crashed one leaves the old one in use, and says why."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.errors import CaptureError, PRCardError, TrustError
from prcard.store.fetch import open_source
from prcard.store.trust import current_store, load_seen, load_trust, locked
from prcard.store.update import Update, publish, update_trust
from prcard.trust.manifest import build_manifest


def pull(counter: Path, store: Path, office: Any) -> Update:
    return update_trust(counter, open_source(str(store)), office.now)


def test_the_first_and_the_next_version(counter: Path, office: Any, tmp_path: Path) -> None:
    for number in (1, 2, 5):
        result = pull(counter, office.publish(tmp_path / f"v{number}", number), office)
        assert (result.changed, result.number, dict(result.offered)) == (True, number, {})
        material = load_trust(counter)
        assert [crl.number for crl in material.crls] == [number]
        assert [item.number for item in material.status_lists] == [number]
        assert list(material.signers) == [office.dsc.certificate]
        assert load_seen(counter).store == number
    kept = sorted(path.name for path in (counter / "published").iterdir())
    assert kept == ["000002", "000005", "current"]
    assert {path.name for path in counter.iterdir()} == {"csca", "published", "seen.json"}


def test_the_same_version_again_changes_nothing(counter: Path, office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "v1", 1)
    pull(counter, store, office)
    assert not pull(counter, store, office).changed


def test_a_delegate_may_publish_while_the_issuers_key_stays_offline(counter: Path, office: Any, tmp_path: Path) -> None:
    assert pull(counter, office.publish(tmp_path / "v1", 1, by=office.publisher), office).number == 1


def test_lists_of_the_folder_itself_count_beside_the_published_ones(counter: Path, office: Any, tmp_path: Path) -> None:
    (counter / "crls").mkdir()
    (counter / "crls" / "own.crl").write_bytes(office.crl(3))
    pull(counter, office.publish(tmp_path / "v4", 4), office)
    assert sorted(crl.number for crl in load_trust(counter).crls) == [3, 4]


def spoil_signature(store: Path) -> None:
    data = bytearray((store / "manifest.der").read_bytes())
    data[-1] ^= 1
    (store / "manifest.der").write_bytes(bytes(data))


def truncate_manifest(store: Path) -> None:
    data = (store / "manifest.der").read_bytes()
    (store / "manifest.der").write_bytes(data[: len(data) // 2])


def truncate_list(store: Path) -> None:
    data = (store / "status" / "1.der").read_bytes()
    (store / "status" / "1.der").write_bytes(data[:-1])


def change_list(store: Path) -> None:
    data = bytearray((store / "crls" / "1.crl").read_bytes())
    data[-1] ^= 1
    (store / "crls" / "1.crl").write_bytes(bytes(data))


def lose_list(store: Path) -> None:
    (store / "crls" / "1.crl").unlink()


def lose_all(store: Path) -> None:
    shutil.rmtree(store)


def grow_list(store: Path) -> None:
    with (store / "crls" / "1.crl").open("ab") as file:
        file.write(b"x")


SPOILT = {
    spoil_signature: "signature-wrong",
    truncate_manifest: "malformed-structure",
    truncate_list: "store-differs",
    change_list: "store-differs",
    lose_list: "store-unreachable",
    lose_all: "store-unreachable",
    grow_list: "too-large",
}


def assert_old_one_in_use(counter: Path, number: int) -> None:
    assert [crl.number for crl in load_trust(counter).crls] == [number]
    assert load_seen(counter).store == number
    assert [path.name for path in (counter / "published").glob(".new-*")] == []


def refused(counter: Path, store: Path, office: Any, reason: str) -> str:
    with pytest.raises(TrustError) as caught:
        pull(counter, store, office)
    assert caught.value.reason == reason, str(caught.value)
    assert caught.value.advice
    assert_old_one_in_use(counter, 3)
    return str(caught.value)


@pytest.fixture
def at_three(counter: Path, office: Any, tmp_path: Path) -> Path:
    pull(counter, office.publish(tmp_path / "v3", 3), office)
    return counter


@pytest.mark.parametrize("spoil", SPOILT, ids=[spoil.__name__ for spoil in SPOILT])
def test_a_spoilt_store_leaves_the_old_one(spoil: Any, at_three: Path, office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "v4", 4)
    spoil(store)
    refused(at_three, store, office, SPOILT[spoil])


def test_a_store_of_another_issuer(at_three: Path, office: Any, another_office: Any, tmp_path: Path) -> None:
    for name in ("TEST ONLY CSCA", "TEST ONLY Other CSCA"):
        other = another_office(name)
        store = other.publish(tmp_path / f"{name}-own", 4)
        assert "another issuer's" in refused(at_three, store, office, "store-untrusted")
        store = other.publish(tmp_path / f"{name}-delegate", 4, by=other.publisher)
        refused(at_three, store, office, "issuer-key-differs" if name == "TEST ONLY CSCA" else "issuer-unknown")


def test_a_signer_of_cards_may_not_publish(at_three: Path, office: Any, tmp_path: Path) -> None:
    files = office.files(4, 4)
    with pytest.raises(TrustError) as caught:
        build_manifest(files, office.dsc, number=4, issued_at=office.now)
    assert caught.value.reason == "document-type-wrong"


def test_a_revoked_delegate_may_not_publish(at_three: Path, office: Any, tmp_path: Path) -> None:
    other = office.files(4, 4, revoked=[office.publisher])
    publish(tmp_path / "gone", other, build_manifest(other, office.publisher, number=4, issued_at=office.now))
    assert "the signer is revoked" in refused(at_three, tmp_path / "gone", office, "store-untrusted")
    del other["crls/1.crl"]
    shutil.rmtree(at_three / "published")
    publish(tmp_path / "silent", other, build_manifest(other, office.publisher, number=4, issued_at=office.now))
    with pytest.raises(TrustError, match="there is no list of revoked signers"):
        pull(at_three, tmp_path / "silent", office)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_older_version_is_refused_also_when_its_number_is_the_same(
    number: int, at_three: Path, office: Any, tmp_path: Path
) -> None:
    refused(at_three, office.publish(tmp_path / "old", number), office, "store-rollback")


def test_a_version_is_remembered_when_the_published_folder_is_lost(at_three: Path, office: Any, tmp_path: Path) -> None:
    shutil.rmtree(at_three / "published")
    with pytest.raises(TrustError) as caught:
        pull(at_three, office.publish(tmp_path / "old", 2), office)
    assert caught.value.reason == "store-rollback"


def test_older_lists_in_a_newer_version_are_refused(at_three: Path, office: Any, tmp_path: Path) -> None:
    said = refused(at_three, office.publish(tmp_path / "c", 4, office.files(2, 3)), office, "crl-rollback")
    assert "expected 3 or more, found 2" in said
    said = refused(at_three, office.publish(tmp_path / "s", 4, office.files(3, 2)), office, "status-list-rollback")
    assert "expected 3 or more, found 2" in said


def test_a_list_that_does_not_load_is_refused(at_three: Path, office: Any, tmp_path: Path) -> None:
    store = tmp_path / "v4"
    files = office.files(4, 4) | {"status/1.der": b"rubbish"}
    store.mkdir()
    for path, data in (
        files | {"manifest.der": build_manifest(files, office.issuer, number=4, issued_at=office.now)}
    ).items():
        (store / path).parent.mkdir(exist_ok=True)
        (store / path).write_bytes(data)
    refused(at_three, store, office, "wrong-tag")


def test_a_full_disk_leaves_the_old_one(
    at_three: Path, office: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = office.publish(tmp_path / "v4", 4)
    real = os.fsync
    for calls_before in range(6):
        left = [calls_before]

        def full(descriptor: int, left: list[int] = left) -> None:
            if left[0] == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left[0] -= 1
            real(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(CaptureError, match="No space left"):
                pull(at_three, store, office)
        assert_old_one_in_use(at_three, 3)
    assert pull(at_three, store, office).number == 4


CRASHING = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from prcard.store import captures
from prcard.store.fetch import open_source
from prcard.store.update import update_trust
left = int(sys.argv[4])
def die_at(event, arguments):
    global left
    if event in {"os.rename", "os.mkdir", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp", "os.chmod"}:
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
sys.addaudithook(die_at)
update_trust(Path(sys.argv[1]), open_source(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
"""


def test_a_crash_at_any_moment_leaves_the_old_or_the_new_one_whole(at_three: Path, office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "v4", 4)
    shutil.copytree(at_three, tmp_path / "before")
    outcomes = set()
    for moment in range(0, 60, 3):
        shutil.rmtree(at_three)
        shutil.copytree(tmp_path / "before", at_three)
        arguments = [str(at_three), str(store), office.now.isoformat(), str(moment)]
        done = subprocess.run([sys.executable, "-c", CRASHING, *arguments], capture_output=True, check=False)
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
        number = load_trust(at_three).crls[0].number
        assert number in {3, 4}
        outcomes.add((done.returncode, number))
        result = pull(at_three, store, office)
        assert result.number == 4
        assert load_trust(at_three).crls[0].number == 4
        assert [path.name for path in (at_three / "published").glob(".new-*")] == [] or not result.changed
        if done.returncode == 0:
            break
    assert (0, 4) in outcomes and (-signal.SIGKILL, 3) in outcomes


def test_readers_meanwhile_see_one_of_the_two(at_three: Path, office: Any, tmp_path: Path) -> None:
    stores = [office.publish(tmp_path / f"v{number}", number) for number in range(4, 10)]
    problems: list[BaseException] = []
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                material = load_trust(at_three)
                seen.append((material.crls[0].number, material.status_lists[0].number))
            except BaseException as error:
                problems.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for store in stores:
        pull(at_three, store, office)
    stop.set()
    reader.join()
    assert problems == []
    assert all(crl == status for crl, status in seen)


def test_two_updates_at_once(at_three: Path, office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "v4", 4)
    with locked(at_three / "published"), pytest.raises(TrustError) as caught:
        pull(at_three, store, office)
    assert caught.value.reason == "store-busy"


def test_a_folder_without_a_pin_is_not_updated(office: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrustError, match="prcard trust anchor add") as caught:
        pull(tmp_path / "empty", office.publish(tmp_path / "v1", 1), office)
    assert caught.value.reason == "no-anchor"


def test_a_place_that_cannot_be_written(counter: Path, office: Any, tmp_path: Path) -> None:
    (counter / "published").write_text("a file")
    with pytest.raises(TrustError) as caught:
        pull(counter, office.publish(tmp_path / "v1", 1), office)
    assert caught.value.reason == "file-unusable"


def test_a_new_issuer_is_offered_and_not_trusted(
    at_three: Path, office: Any, another_office: Any, tmp_path: Path
) -> None:
    successor = another_office("TEST ONLY CSCA")
    files = office.files(4, 4) | {
        "csca/2.der": successor.csca.public_bytes(Encoding.DER),
        "links/2.der": office.link_to(successor),
        "crls/2.crl": successor.crl(1),
        "signers/2.der": successor.dsc.certificate.public_bytes(Encoding.DER),
    }
    result = pull(at_three, office.publish(tmp_path / "v4", 4, files), office)
    assert list(result.offered.values()) == [successor.csca]
    material = load_trust(at_three)
    assert material.anchors == (office.csca,)
    assert [crl.issuer for crl in material.crls] == [office.csca]
    (path,) = result.offered
    shutil.copy(path, at_three / "csca" / "next.der")
    material = load_trust(at_three)
    assert set(material.anchors) == {office.csca, successor.csca}
    assert len(material.crls) == 2


def test_publishing_overwrites_nothing_and_leaves_nothing_broken(office: Any, tmp_path: Path) -> None:
    files = office.files()
    manifest = build_manifest(files, office.issuer, number=1, issued_at=office.now)
    (tmp_path / "there").mkdir()
    with pytest.raises(TrustError) as caught:
        publish(tmp_path / "there", files, manifest)
    assert caught.value.reason == "output-exists"
    with pytest.raises(TrustError) as caught:
        publish(tmp_path / "new", files | {"crls/1.crl": office.crl(2)}, manifest)
    assert caught.value.reason == "store-differs"
    with pytest.raises(TrustError) as caught:
        publish(tmp_path / "none" / "new", files, manifest)
    assert caught.value.reason == "file-unusable"
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_an_update_judges_at_the_moment_it_is_given(at_three: Path, office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "v4", 4, by=office.publisher)
    with pytest.raises(TrustError):
        update_trust(at_three, open_source(str(store)), office.now + timedelta(days=9999))
    assert current_store(at_three) == at_three / "published" / "000003"


def test_only_documented_errors_leave_it(at_three: Path, office: Any, tmp_path: Path) -> None:
    store = office.publish(tmp_path / "v4", 4)
    whole = (store / "manifest.der").read_bytes()
    for place in range(0, len(whole), 7):
        (store / "manifest.der").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(PRCardError):
            pull(at_three, store, office)
    assert_old_one_in_use(at_three, 3)
