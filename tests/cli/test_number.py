"""`prcard number`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
BORN = ("--birth", "1981-08-03")


@pytest.mark.parametrize(
    ("text", "code", "scheme"),
    [
        ("911124198108030024", 0, "pr18"),
        ("CAN110081080310", 0, "pr15"),
        ("11010519491231002X", 0, "resident"),
        ("830000199201300022", 0, "hkmt"),
        ("911124198108030025", 1, "pr18"),
        ("CAN110081080319", 1, "pr15"),
        ("hello", 1, None),
        ("", 1, None),
        ("９１１１２４１９８１０８０３００２４", 1, None),
    ],
)
def test_check(run: Run, text: str, code: int, scheme: str | None) -> None:
    result = run("number", "check", text, "--json")
    document = result.document("number-check")
    assert result.code == code
    assert document["valid"] is (code == 0)
    assert document["scheme"] == scheme
    assert bool(document["problem"]) is (code == 1)
    assert document["remarks"] == []
    words = run("number", "check", text)
    assert words.code == code
    assert words.out.startswith("valid" if code == 0 else "INVALID")


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        ("911999198108030029", ["nationality"]),
        ("999124198108030026", ["province 99"]),
        ("XXX110081080316", ["nationality"]),
        ("CAN999981080312", ["province 99"]),
    ],
)
def test_codes_in_no_table_are_remarked_not_refused(run: Run, text: str, remarks: list[str]) -> None:
    result = run("number", "check", text, "--json")
    assert result.document("number-check")["remarks"] == remarks
    assert "not in the tables" in run("number", "check", text).out


@pytest.mark.parametrize(
    ("arguments", "code", "verdict"),
    [
        (("PAK310080010103", "931586198001010028", "--link", "000"), 0, "MATCH"),
        (("PAK310080010103", "931586198001010028"), 3, "POSSIBLE"),
        (("PAK310080010103", "911124198108030024"), 1, "NO_MATCH"),
    ],
)
def test_link(run: Run, arguments: tuple[str, ...], code: int, verdict: str) -> None:
    result = run("number", "link", *arguments, "--json")
    assert result.code == code
    assert result.document("number-link")["verdict"] == verdict
    assert run("number", "link", *arguments).out.startswith(verdict)


def test_link_of_what_is_no_number(run: Run) -> None:
    assert run("number", "link", "hello", "911124198108030024", "--json").document("error")["error"]["exit_code"] == 5


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("pr18", "--region", "11", "--nationality", "124", *BORN, "--sequence", "002"), "911124198108030024"),
        (("pr15", "--region", "1100", "--nationality", "CAN", *BORN, "--sequence", "1"), "CAN110081080310"),
        (("resident", "--region", "110105", "--birth", "1949-12-31", "--sequence", "002"), "11010519491231002X"),
        (("hkmt", "--region", "830000", "--birth", "1992-01-30", "--sequence", "002"), "830000199201300022"),
    ],
)  # fmt: skip
def test_make(run: Run, arguments: tuple[str, ...], number: str) -> None:
    result = run("number", "make", "--scheme", *arguments, "--json")
    assert result.document("number-made")["number"] == number
    assert run("number", "make", "--scheme", *arguments).out == f"{number}\n"


def test_make_of_parts_that_are_none(run: Run) -> None:
    good = ("number", "make", "--scheme", "pr18", "--region", "11", "--nationality", "124", "--sequence", "002")
    assert run(*good, "--birth", "1981-02-30").code == 2
    assert run(*good[:-1], "2", "--birth", "1981-02-03").code == 5
