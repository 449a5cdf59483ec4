"""A verdict as one HTML file in Chinese and English: no script, no request to anywhere, readable on paper."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from prcard.acceptance.messages import BRANCHES, CHECKS, OUTCOMES, REASONS
from prcard.acceptance.profile import NO_LEGAL_ADVICE
from prcard.acceptance.render import MARKS, as_of_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prcard.acceptance.profile import Profile
    from prcard.acceptance.verdict import Check, Verdict

__all__ = ["verdict_page"]

_STYLE: Final = """
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #111; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { border-left: .5rem solid; padding-left: .75rem; }
.PASSED { border-color: #17692f; } .FAILED { border-color: #a3121f; } .INDETERMINATE { border-color: #7a5200; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { border: 1px solid #777; padding: .3rem .5rem; text-align: left; vertical-align: top; }
td.mark { text-align: center; width: 2rem; } th[scope=row] { width: 13rem; }
td.evidence { font-family: monospace; overflow-wrap: anywhere; width: 15rem; }
.advice { font-weight: bold; } .small { font-size: .85em; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; }
  tr, h2 { break-inside: avoid; break-after: auto; } }
"""


def verdict_page(verdict: Verdict, profile: Profile, record: Sequence[tuple[str, str]] = ()) -> str:
    """Gives the whole page.

    Args:
        verdict: What to tell.
        profile: By which profile; its basis, and what of it is unconfirmed, stand at the end.
        record: Labels and values of the card that the profile lets be printed, masked already.
    """
    outcome, kind = OUTCOMES[verdict.outcome.value], verdict.indication
    title = f"prcard: {outcome[0]} {outcome[1]}"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="zh-Hans"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f'<h1 class="{verdict.outcome.value}">{escape(outcome[0])} <span lang="en">{escape(outcome[1])}</span></h1>',
        _both("p", f"判定：{kind.zh}", f"What decided: {kind.en}"),
        *_decisive(verdict),
        _table(None, _facts(verdict, profile)),
        *(_both("p", zh, en) for zh, en in zip(as_of_lines(verdict, "zh"), as_of_lines(verdict, "en"), strict=True)),
        *([_both("h2", "证件", "The card"), _table(None, record)] if record else []),
        *(line for branch in verdict.tree for line in _branch(branch.code, branch.checks)),
        *_notes(profile),
        "</main></body></html>",
    ]
    return "\n".join(lines) + "\n"


def _both(tag: str, zh: str, en: str) -> str:
    return f'<{tag}>{escape(zh)}<br><span lang="en">{escape(en)}</span></{tag}>'


def _table(heads: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> str:
    head = "" if heads is None else "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in heads) + "</tr>"
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f"<table>{head}{body}</table>"


def _facts(verdict: Verdict, profile: Profile) -> list[tuple[str, str]]:
    level = OUTCOMES[verdict.evidence_level.value]
    return [
        ("方案 Profile", f"{profile.title_zh} {profile.title_en} ({profile.name}/{profile.version})"),
        ("时刻 Moment", verdict.at.isoformat(timespec="seconds")),
        ("来源证明 Evidence", f"{level[0]} {level[1]}"),
    ]


def _decisive(verdict: Verdict) -> Iterator[str]:
    """What decided, with its advice, before all the rest: this is what the person at the counter acts on."""
    found = (*verdict.failed, *verdict.open)
    if found:
        yield "<ul>"
        for check in found:
            title, reason = CHECKS[check.code], REASONS[check.reason]
            zh, en = (f"{title.zh}：{reason.zh}。{reason.advice_zh}", f"{title.en}: {reason.en}. {reason.advice_en}")
            yield _both("li", zh.strip(), en.strip())
        yield "</ul>"


def _branch(code: str, checks: Sequence[Check]) -> Iterator[str]:
    title = BRANCHES[code]
    yield _both("h2", title.zh, title.en)
    yield "<table>" + "".join(_row(check) for check in checks) + "</table>"


def _row(check: Check) -> str:
    title, reason, words = CHECKS[check.code], REASONS[check.reason], OUTCOMES[check.outcome.value]
    optional = (
        "" if check.required else '<br><span class="small">本方案不要求 <span lang="en">not required</span></span>'
    )
    advice = ""
    if reason.advice_zh and check.required and not check.good:
        advice = (
            f'<p class="advice">{escape(reason.advice_zh)}<br><span lang="en">{escape(reason.advice_en)}</span></p>'
        )
    evidence = "<br>".join(escape(f"{name}: {_text(value)}") for name, value in check.evidence.items())
    return (
        f'<tr><td class="mark">{MARKS[check.outcome]}</td>'
        f'<th scope="row">{check.number} {escape(title.zh)}<br><span lang="en">{escape(title.en)}</span>'
        f'<br><span class="small">{escape(check.code)}</span></th>'
        f'<td>{escape(words[0])} {escape(words[1])}: {escape(reason.zh)} <span lang="en">{escape(reason.en)}</span> '
        f'<span class="small">({escape(check.reason)})</span>{optional}{advice}'
        f'<p class="small">{escape(title.rule_zh)} <span lang="en">{escape(title.rule_en)}. '
        f'{escape(title.source)}</span></p></td><td class="evidence small">{evidence}</td></tr>'
    )


def _text(value: Any) -> str:
    return ", ".join(_text(item) for item in value) if isinstance(value, list | tuple) else str(value)


def _notes(profile: Profile) -> Iterator[str]:
    yield _both("h2", "方案依据", "What the profile rests on")
    unconfirmed = {True: "", False: "（未确认 unconfirmed）"}
    rows = [
        (basis.zh, f"{basis.en} {unconfirmed[basis.confirmed]}", basis.since, basis.source) for basis in profile.basis
    ]
    yield _table(None, rows or [(profile.source, "")])
    if profile.unconfirmed:
        yield _both("p", "未确认：", "Not confirmed:")
        yield "<ul>" + "".join(f'<li lang="en">{escape(text)}</li>' for text in profile.unconfirmed) + "</ul>"
    reviewer = f"{profile.reviewed_by} {profile.reviewed_on}" if profile.reviewed_by else "–"
    yield _both("p", f"审阅：{reviewer}", f"Reviewed by: {reviewer}")
    yield _both("p", *NO_LEGAL_ADVICE)
