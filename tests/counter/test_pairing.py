"""Codes are good once, guesses are few, tokens belong to one page, and a restart knows them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from prcard.counter.pairing import CODE_DIGITS, CODE_LIFE_S, MAX_CODES, MAX_GUESSES, MAX_TOKENS, TOKEN_LIFE_S, Pairing

ORIGIN = "https://pms.example"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def paired(pairing: Pairing, origin: str = ORIGIN) -> str:
    token = pairing.redeem(pairing.new_code(), origin=origin, name="page")
    assert token is not None
    return token


def test_a_code_is_exchanged_for_a_token_once() -> None:
    pairing = Pairing()
    code = pairing.new_code()
    assert len(code) == CODE_DIGITS
    token = pairing.redeem(f"{code[:4]} {code[4:]}", origin=ORIGIN, name="page")
    assert token is not None
    assert pairing.redeem(code, origin=ORIGIN, name="page") is None
    ticket = pairing.check(token, ORIGIN)
    assert ticket is not None
    assert (ticket.origin, ticket.name) == (ORIGIN, "page")


def test_a_token_is_good_for_its_own_page_and_for_callers_without_one() -> None:
    pairing = Pairing()
    token = paired(pairing)
    assert pairing.check(token, None) is not None
    assert pairing.check(token, "https://other.example") is None
    assert pairing.check(token, "") is None
    assert pairing.check(token + "x", ORIGIN) is None


def test_after_some_wrong_guesses_no_code_is_good() -> None:
    pairing = Pairing()
    code = pairing.new_code()
    wrong = "0" * CODE_DIGITS if code[0] != "0" else "1" * CODE_DIGITS
    for _ in range(MAX_GUESSES):
        assert pairing.redeem(wrong, origin="", name="x") is None
    assert pairing.redeem(code, origin="", name="x") is None


def test_one_guess_less_does_no_harm() -> None:
    pairing = Pairing()
    code = pairing.new_code()
    for _ in range(MAX_GUESSES - 1):
        assert pairing.redeem("", origin="", name="x") is None
    assert pairing.redeem(code, origin="", name="x") is not None


def test_a_code_is_good_for_some_minutes() -> None:
    clock = Clock()
    pairing = Pairing(clock=clock)
    code = pairing.new_code()
    clock.now += CODE_LIFE_S + 1
    assert pairing.redeem(code, origin="", name="x") is None


def test_a_token_ends() -> None:
    clock = Clock()
    pairing = Pairing(clock=clock)
    token = paired(pairing)
    assert len(pairing.names()) == 1
    clock.now += TOKEN_LIFE_S + 1
    assert pairing.check(token, ORIGIN) is None
    assert pairing.names() == []


def test_only_so_many_codes_and_tokens_are_kept() -> None:
    pairing = Pairing()
    codes = [pairing.new_code() for _ in range(MAX_CODES + 1)]
    assert pairing.redeem(codes[0], origin="", name="x") is None
    first = paired(pairing)
    for _ in range(MAX_TOKENS):
        paired(pairing)
    assert pairing.check(first, ORIGIN) is None
    assert len(pairing.names()) == MAX_TOKENS


def test_a_token_can_be_withdrawn() -> None:
    pairing = Pairing()
    token = paired(pairing)
    assert pairing.withdraw(token)
    assert not pairing.withdraw(token)
    assert pairing.check(token, ORIGIN) is None


def test_a_restart_knows_its_pages_and_the_file_tells_no_token(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    token = paired(Pairing(file))
    assert Pairing(file).check(token, ORIGIN) is not None
    assert token not in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("code", ["１２３４５６７８", "²²²²²²²²", "\0", "12345678" * 100, "密码"])
def test_a_code_of_strange_characters_is_wrong_and_nothing_worse(code: str) -> None:
    pairing = Pairing()
    pairing.new_code()
    assert pairing.redeem(code, origin="", name="x") is None


def test_a_file_that_cannot_be_written_does_not_stop_pairing(tmp_path: Path) -> None:
    pairing = Pairing(tmp_path / "missing" / "tokens.json")
    assert pairing.check(paired(pairing), ORIGIN) is not None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"origin": "x"}}'])
def test_a_damaged_file_means_pairing_anew(content: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(content, encoding="utf-8")
    assert Pairing(file).names() == []
