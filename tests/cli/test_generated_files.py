"""The driver of generated files."""

from __future__ import annotations

from pathlib import Path

import pytest

from prcard.cli import generated_files


def test_the_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert generated_files.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_every_file_says_that_it_is_generated() -> None:
    assert all("GENERATED" in text[:600] for text in generated_files.wanted().values())


def test_it_writes_checks_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generated_files, "ROOT", tmp_path)
    assert generated_files.main(["--check"]) == 1
    assert "run: make generate" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert generated_files.main([]) == 0
    (tmp_path / "schemas" / "old.schema.json").write_text("{}")
    (tmp_path / "docs/reference/layouts.md").write_text("edited")
    assert generated_files.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert "old.schema.json" in told
    assert "layouts.md" in told
    generated_files.main([])
    assert generated_files.main(["--check"]) == 0
