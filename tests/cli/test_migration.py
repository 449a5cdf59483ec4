"""`prcard number migrate`: CSV in, CSV out."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
HEADER = "old_number,new_number,nationality,link,name"
ROWS = {
    "match": "PAK310080010103,931586198001010028,PAK,000,a",
    "known": "PAK310080010103,,,,b",
    "derived": ",937410198810050065,KOR,020,c",
    "possible": 'CAN110081080310,911124198108030024,,,"d, e"',
    "not-found": "USA310079113014,,,,f",
    "no-match": "PAK310080010103,911124198108030024,,,g",
    "error": "CAN110081080319,91112419810803002,CA,00,h",
}


def table(tmp_path: Path, *names: str, header: str = HEADER) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("\n".join([header, *(ROWS[name] for name in names)]) + "\n", encoding="utf-8")
    return path


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("match", "known", "derived"), 0),
        (("match", "possible"), 3),
        (("match", "not-found"), 3),
        (("match", "no-match"), 1),
        (("match", "possible", "error"), 1),
    ],
)
def test_the_exit_code_says_how_much_is_left(run: Run, tmp_path: Path, names: tuple[str, ...], code: int) -> None:
    result = run("number", "migrate", table(tmp_path, *names))
    assert result.code == code
    assert [row["migration_status"] for row in read(result.out)] == [name.replace("known", "match") for name in names]
    assert result.err.startswith(f"{len(names)} rows: match")


def test_a_file_and_a_summary(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    result = run("number", "migrate", table(tmp_path, *ROWS), "--output", output, "--json")
    summary = result.document("number-migration")
    assert summary == {
        "rows": 7, "match": 2, "derived": 1, "possible": 1, "not-found": 1, "no-match": 1, "conflict": 0, "error": 1,
    }  # fmt: skip
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    rows = read(output.read_text(encoding="utf-8"))
    assert (rows[2]["migration_old"], rows[2]["migration_new"]) == ("KOR370288100509", "937410198810050065")
    assert rows[3]["name"] == "d, e"
    assert rows[6]["migration_reasons"].count("expected") == 4
    assert run("number", "migrate", table(tmp_path, "match"), "--json").code == 2


def test_new_cards_are_looked_up(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text("new_number,link\n931586198001010028,000\nrubbish,\n", encoding="utf-8")
    result = run("number", "migrate", table(tmp_path, "known"), "--cards", tmp_path / "cards.csv")
    assert read(result.out)[0]["migration_new"] == "931586198001010028"
    assert "1 rows of the cards are no card" in result.err


def test_columns_and_encoding_of_ones_own(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("证件号,姓名\r\nPAK310080010103,样本\r\n".encode("gb18030"))
    result = run("number", "migrate", path, "--encoding", "gb18030", "--column", "old_number=证件号")
    assert read(result.out)[0]["姓名"] == "样本"
    assert run("number", "migrate", path, "--encoding", "nonsense").code == 2
    assert run("number", "migrate", path, "--column", "nonsense").code == 2
    assert run("number", "migrate", path, "--column", "old_number=证件号").code == 5


@pytest.mark.parametrize(
    "content",
    ["", "a,b\n1,2\n", "old_number,migration_new\n", "old_number,old_number\n", 'old_number\n"unclosed', "\0"],
)
def test_what_is_no_table_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(content, encoding="utf-8")
    result = run("number", "migrate", path, "--output", tmp_path / "out.csv")
    assert result.code == 5
    assert not (tmp_path / "out.csv").exists()


def test_rows_with_cells_too_many_or_too_few_are_errors(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("old_number,name\nPAK310080010103\nPAK310080010103,a,b\n\nrubbish,a,b\n", encoding="utf-8")
    rows = read(run("number", "migrate", path).out)
    assert [row["migration_status"] for row in rows] == ["error"] * 3
    assert "fewer cells" in rows[0]["migration_reasons"]
    assert rows[2]["migration_reasons"].startswith("more cells than the header has; old_number")


def test_a_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    assert run("number", "migrate", table(tmp_path, "match"), "--output", tmp_path / "none" / "out.csv").code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_many_rows_stream(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(HEADER + "\n" + f"{ROWS['known']}\n" * 2_000, encoding="utf-8")
    result = run("number", "migrate", path, "--output", tmp_path / "out.csv", "--json")
    assert result.document("number-migration")["not-found"] == 2_000
