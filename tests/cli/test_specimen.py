"""`prcard specimen` in every form that it writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator

from prcard.cli.schemas import schemas
from prcard.record import decode, from_document
from prcard.record.capture import load_capture
from prcard.simulator.factory import make_specimens

SCHEMA = Draft202012Validator(schemas()["specimen"])


def test_json_is_one_valid_line_for_each(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("specimen", "-n", "9", "--seed", "4", "--edge-cases", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, len(lines), err) == (0, 9, "")
    for line, made in zip(lines, make_specimens(9, seed=4, edge_cases=True), strict=True):
        SCHEMA.validate(line)
        assert bytes.fromhex(line["text"]) == made.card.text
        assert from_document(line["record"]).raw == made.card.text


def test_people_get_a_line_for_each(run: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = run("specimen", "-n", "2", "--layout", "pr2023")
    assert [line.split("\t")[:2] for line in out.splitlines()] == [
        ["specimen-1", "pr2023"],
        ["specimen-2", "pr2023"],
    ]
    assert "SPECIMEN" in out
    _, out, _ = run("specimen", "--defect", "unknown-marker")
    assert "(does not decode)\tdefect: unknown-marker" in out


def test_captures_zones_and_a_parquet_file_hold_the_same(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    options = ("--captures", tmp_path / "c", "--zones", tmp_path / "z", "--parquet", tmp_path / "all.parquet")
    code, out, err = run("specimen", "-n", "40", "--edge-cases", "--layout", "resident", *options)
    assert (code, out, err) == (0, "", "")
    rows = pq.read_table(tmp_path / "all.parquet").to_pylist()
    made = list(make_specimens(40, edge_cases=True, layouts=("resident",)))
    assert len(rows) == len(list((tmp_path / "c").iterdir())) == 40
    for row, entry in zip(rows, made, strict=True):
        card = entry.card
        assert load_capture((tmp_path / "c" / f"{entry.name}.capture.json").read_bytes()) == card
        assert (tmp_path / "z" / f"{entry.name}.text.bin").read_bytes() == card.text == row["text"]
        assert (tmp_path / "z" / f"{entry.name}.photo.bin").read_bytes() == card.photo == row["photo"]
        assert (tmp_path / "z" / f"{entry.name}.extra.bin").exists() is bool(card.extra)
        assert (row["fingerprint"], row["extra"]) == (card.fingerprint, list(card.extra))
        assert json.loads(row["record"])["number"] == decode(card.text).number


def test_a_parquet_file_is_written_in_groups_of_rows(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prcard.cli.specimen.BATCH", 4)
    run("specimen", "-n", "10", "--defect", "no-such-day", "--parquet", tmp_path / "x.parquet")
    file = pq.ParquetFile(tmp_path / "x.parquet")
    assert (file.num_row_groups, file.metadata.num_rows) == (3, 10)
    assert file.read().column("record").null_count == 10


def test_another_day_can_be_chosen(run: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = run("specimen", "--layout", "pr2023", "--day", "2031-05-06", "--json")
    assert json.loads(out)["record"]["issue_date"] <= "2031-05-06" <= json.loads(out)["record"]["expiry_date"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-n", "-1"), 2),
        (("--layout", "passport"), 2),
        (("--defect", "nonsense"), 2),
        (("--layout", "resident", "--defect", "nationality-differs"), 5),
        (("--captures", "/dev/null/x"), 5),
        (("--parquet", "/no/such/folder/x"), 5),
    ],
)
def test_what_cannot_be_made(run: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], code: int) -> None:
    assert run("specimen", *arguments)[0] == code


def test_a_folder_that_takes_no_more(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "specimen-1.capture.json").mkdir()
    assert run("specimen", "--captures", tmp_path)[0] == 5


def test_without_pyarrow_it_says_what_to_install(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = run("specimen", "--parquet", "x")
    assert code == 2
    assert "prcard[bulk]" in err
