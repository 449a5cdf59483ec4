"""The keys of audit logs."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from pathlib import Path

import pytest

from prcard.errors import AuditError
from prcard.store.audit_keys import AuditKeys, create_keys, ensure_keys, load_keys, rotate_keys

NUMBER = "911124198504120021"


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    keys = create_keys(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_keys(path) == keys == ensure_keys(path)
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    with pytest.raises(AuditError, match="expected mode 0600, found 0640"):
        load_keys(path)


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    before = create_keys(path)
    with pytest.raises(AuditError, match="expected no file"):
        create_keys(path)
    assert load_keys(path) == before


def test_the_hash_is_an_hmac_and_never_the_plain_one() -> None:
    keys = AuditKeys({"00000001": b"k" * 32})
    found = keys.hash_number(NUMBER)
    expected = hmac.new(b"k" * 32, b"prcard audit number\0" + NUMBER.encode(), hashlib.sha256).hexdigest()
    assert found == {"key": "00000001", "hmac": expected}
    assert found["hmac"] != hashlib.sha256(NUMBER.encode()).hexdigest()
    assert b"k" * 32 not in repr(keys).encode()


def test_rotation_adds_a_key_and_keeps_the_older_ones(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    first = create_keys(path)
    second = rotate_keys(path)
    assert next(iter(second.keys)) == first.current != second.current
    assert second.hash_number(NUMBER, first.current) == first.hash_number(NUMBER)
    assert second.hash_number(NUMBER) != first.hash_number(NUMBER)
    assert path.stat().st_mode & 0o777 == 0o600


GOOD = {"format": "prcard-audit-keys", "version": 1, "keys": [{"id": "00000001", "key": "00" * 32}]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"nonsense",
        b"[" * 60_000,
        json.dumps({**GOOD, "format": "other"}).encode(),
        json.dumps({**GOOD, "keys": []}).encode(),
        json.dumps({**GOOD, "keys": [{"id": "00000001", "key": "00"}]}).encode(),
        json.dumps({**GOOD, "keys": [{"id": "x", "key": "00" * 32}]}).encode(),
        json.dumps({**GOOD, "keys": [*GOOD["keys"], *GOOD["keys"]]}).encode(),  # type: ignore[misc]  # a list
        json.dumps({**GOOD, "keys": [1]}).encode(),
    ],
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(AuditError, match="expected a key file made by prcard"):
        load_keys(path)


def test_a_place_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="can be read"):
        load_keys(tmp_path / "none")
    with pytest.raises(AuditError, match="can be read"):
        ensure_keys(tmp_path / "no-folder" / "log.key")


def test_many_who_make_it_at_once_get_the_same_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(ensure_keys(tmp_path / "log.key").current)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
