"""Captures in files: whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from prcard.errors import CaptureError
from prcard.record.raw import RawCard
from prcard.store.captures import MAX_CAPTURE_BYTES, load, save, write_whole

CARD = RawCard(text=b"t" * 256, photo=b"p" * 1024)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(CARD, tmp_path / "card.json")
    assert load(tmp_path / "card.json") == CARD


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    save(CARD, tmp_path / "card.json")
    assert stat.S_IMODE((tmp_path / "card.json").stat().st_mode) == 0o600


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("old")
    save(CARD, tmp_path / "card.json")
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]
    assert load(tmp_path / "card.json") == CARD


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"card\.json.*No such file"):
        save(CARD, tmp_path / "missing" / "card.json")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    target.mkdir()
    (target / "kept").write_text("kept")
    with pytest.raises(CaptureError):
        write_whole(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]
    assert (target / "kept").read_text() == "kept"


def test_a_place_that_takes_no_file_is_said() -> None:
    with pytest.raises(CaptureError, match="can be written"):
        write_whole(Path("/proc/self/card.json"), b"new")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="a file that can be read"):
        load(tmp_path / "none.json")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_bytes(b" " * (MAX_CAPTURE_BYTES + 10))
    with pytest.raises(CaptureError):
        load(tmp_path / "big.json")


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/full"), tmp_path, Path()):
        with pytest.raises(CaptureError, match="a file, or a name that is free"):
            write_whole(place, b"x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    file, link, loop = tmp_path / "file", tmp_path / "link", tmp_path / "loop"
    link.symlink_to(file)
    for data in (b"one", b"two"):
        write_whole(link, data)
        assert (file.read_bytes(), link.is_symlink()) == (data, True)
    loop.symlink_to(loop)
    with pytest.raises(CaptureError):
        write_whole(loop, b"x")
