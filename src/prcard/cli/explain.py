"""`prcard explain`: what a code means and what to do."""

from __future__ import annotations

from typing import Final

import click

from prcard.acceptance.explain import Explanation, close_codes, explain_code, explanations
from prcard.cli.judging import language
from prcard.cli.main import ExitCode
from prcard.cli.output import print_json, say
from prcard.errors import ReaderFault

__all__ = ["EXIT_MEANINGS", "command"]

EXIT_MEANINGS: Final = {
    ExitCode.DONE: ("判定通过，或已完成", "passed or done"),
    ExitCode.FAILED: ("判定不通过，或号码无效", "verdict FAILED, or a number that is not valid"),
    ExitCode.USAGE: ("用法错误", "wrong usage"),
    ExitCode.INDETERMINATE: ("无法判定", "verdict INDETERMINATE"),
    ExitCode.READER: ("阅读器或证件无法读取", "reader or card could not be read"),
    ExitCode.MALFORMED: ("输入格式错误", "malformed input"),
    ExitCode.BUG: ("程序缺陷", "a bug of ours"),
}
"""Exit code -> meaning in Chinese and English."""


@click.command("explain")
@click.argument("code", required=False)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the texts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, code: str | None, lang: str | None, as_json: bool) -> int:
    """Explain a check, a reason, any other code of a verdict, or an exit code.

    Without CODE all codes are listed. `check:reason`, as an audit log has it, explains both.

    \b
    Example:
      prcard explain sam-not-listed
    """
    found = _all() if code is None else _explain(code)
    if not found:
        near = ", ".join(close_codes(code or ""))
        hint = f"did you mean {near}?" if near else "run prcard explain for a list"
        raise click.BadParameter(f"{(code or '')[:40]!r} is no code; {hint}", param_hint="CODE")
    if as_json:
        print_json({"explanations": [_document(explanation) for explanation in found]})
        return ExitCode.DONE
    chosen = language(lang)
    for explanation in found:
        _tell(explanation, chosen, brief=code is None)
    return ExitCode.DONE


def _all() -> list[Explanation]:
    return [*explanations(), *_outer()]


def _explain(code: str) -> list[Explanation]:
    wanted = code.strip().lower().removeprefix("exit ")
    return [*explain_code(code), *(found for found in _outer() if found.code == wanted)]


def _outer() -> list[Explanation]:
    """What is outside a verdict: exit codes, and why a reader could not be read."""
    exits = [
        Explanation(code=str(code.value), kind="exit code", zh=zh, en=en) for code, (zh, en) in EXIT_MEANINGS.items()
    ]
    faults = [
        Explanation(
            code=fault.value,
            kind="reader fault",
            zh="阅读器或证件无法读取；信息中写明原因和处理办法",
            en=f"reading failed: {fault.value.replace('-', ' ')}; the message says why and what to do",
        )
        for fault in ReaderFault
    ]
    return exits + faults


def _document(explanation: Explanation) -> dict[str, object]:
    return {
        "code": explanation.code,
        "kind": explanation.kind,
        "zh": explanation.zh,
        "en": explanation.en,
        "advice_zh": explanation.advice_zh,
        "advice_en": explanation.advice_en,
        "more": dict(explanation.more),
    }


def _tell(explanation: Explanation, lang: str, *, brief: bool) -> None:
    zh = lang == "zh"
    say(f"{explanation.code} ({explanation.kind}): {explanation.zh if zh else explanation.en}")
    if brief:
        return
    other = "_en" if zh else "_zh"
    for name, value in explanation.more:
        if not name.endswith(other):
            say(f"  {name.removesuffix('_zh').removesuffix('_en')}: {value}")
    advice = explanation.advice_zh if zh else explanation.advice_en
    if advice:
        say(f"  → {advice}")
