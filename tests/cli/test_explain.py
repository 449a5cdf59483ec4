"""`prcard explain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prcard.acceptance.messages import CHECKS, REASONS
from prcard.cli.explain import EXIT_MEANINGS
from prcard.cli.main import ExitCode
from prcard.errors import ReaderFault

Run = Callable[..., Any]


@pytest.mark.parametrize(
    "code",
    [*CHECKS, *REASONS, *(str(code.value) for code in ExitCode), *(fault.value for fault in ReaderFault)],
)
def test_every_code_is_explained(code: str) -> None:
    from prcard.cli.explain import _explain

    found = _explain(code)
    assert found
    assert all(one.code == code and one.zh and one.en for one in found)


@pytest.mark.parametrize(("code", "kind"), [("signature", "check"), ("3", "exit code"), ("exit 3", "exit code")])
def test_in_json(run: Run, code: str, kind: str) -> None:
    result = run("explain", code, "--json")
    assert result.code == 0
    assert [one["kind"] for one in result.document("explanation")["explanations"]] == [kind]


def test_in_words(run: Run) -> None:
    english = run("explain", "sam-not-listed", "--lang", "en").out
    assert "indication: unattested" in english
    assert "→ If the reader" in english
    chinese = run("explain", "provenance:specimen-card", "--lang", "zh").out
    assert "样本不能用于业务。" in chinese
    assert "rule: 样本和模拟阅读器只用于培训" in chinese


def test_without_a_code_all_are_listed(run: Run) -> None:
    lines = run("explain", "--lang", "en").out.splitlines()
    assert len(lines) > len(CHECKS) + len(REASONS)
    assert len(run("explain", "--json").document("explanation")["explanations"]) == len(lines)


def test_a_slip_is_wrong_usage_and_helped(run: Run) -> None:
    result = run("explain", "signatur")
    assert result.code == 2
    assert "did you mean signature" in result.err
    assert "run prcard explain for a list" in run("explain", "qqqqqqqqqqq").err


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_MEANINGS) == set(ExitCode)
