"""Conformance: clauses as a table, results, and the report as JSON, Markdown and one HTML page.

A clause is a sentence about a reader or a host with its source, and a function that finds out. What readers must do
stands in `prcard.simulator.reader_clauses`, what hosts must do in `prcard.simulator.host_clauses`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from prcard.wire.codes import describe
from prcard.wire.frame import HEADER_BYTES, PREAMBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Clause", "ClauseFailed", "ClauseNotRun", "Exchange", "Outcome", "Report", "Result", "clauses_reference"]

LONGEST_SHOWN_BYTES = 48
"""Bytes of a piece that a report shows; zones are left out, since a real card may lie on the reader."""


@unique
class Outcome(Enum):
    """What became of a clause."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"


class Clause(NamedTuple):
    """One sentence that a reader or a host has to keep.

    Attributes:
        id: Stable name, such as `R07`.
        title: What is asked for.
        source: Where that is from.
        confidence: `A` to `D`.
        must: True for what programs rely on, False for what is good practice.
        check: Finds out; raises `ClauseFailed` or `ClauseNotRun`.
    """

    id: str
    title: str
    source: str
    confidence: str
    must: bool
    check: Callable[[Any], None]


class ClauseFailed(Exception):  # noqa: N818  # it says what happened, and never leaves the kit
    """The clause is not kept; the text says what was expected and found."""


class ClauseNotRun(Exception):  # noqa: N818  # as above
    """The clause could not be tried; the text says what was missing."""


class Exchange(NamedTuple):
    """One piece of bytes that passed while a clause was tried.

    Attributes:
        sign: `>` from host to reader, `<` back.
        at_ms: Milliseconds since the clause began.
        data: The bytes.
    """

    sign: str
    at_ms: int
    data: bytes

    def shown(self) -> str:
        """The bytes in hex, cut where zones would begin, with their meaning where they are one frame."""
        cut = f" … {len(self.data)} bytes" if len(self.data) > LONGEST_SHOWN_BYTES else ""
        meaning = ""
        if self.data.startswith(PREAMBLE) and len(self.data) >= HEADER_BYTES + 3:
            meaning = f"  ({describe(self.data[HEADER_BYTES:-1])})"
        shown = self.data[:14] if cut else self.data
        return f"{self.sign} {self.at_ms:5d} ms  {shown.hex(' ').upper()}{cut}{meaning}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one clause.

    Attributes:
        clause: The clause.
        outcome: Whether it is kept.
        detail: What was expected and found, or what was missing; "" when it is kept.
        exchange: All that passed on the line meanwhile.
    """

    clause: Clause
    outcome: Outcome
    detail: str = ""
    exchange: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All results of one run.

    Attributes:
        role: `reader` or `host`: what was judged.
        target: Its URI or command.
        results: One for each clause, in order.
        remarks: Further things worth knowing.
    """

    role: str
    target: str
    results: tuple[Result, ...]
    remarks: tuple[str, ...] = field(default=())

    def count(self, outcome: Outcome) -> int:
        """How many clauses had this outcome."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def score(self) -> float:
        """Share of the clauses that are kept among all, in percent; what was not run counts as not kept."""
        return 100.0 * self.count(Outcome.PASSED) / len(self.results) if self.results else 0.0

    @property
    def conforms(self) -> bool:
        """Whether every binding clause was run and kept."""
        binding = [result for result in self.results if result.clause.must]
        return bool(binding) and all(result.outcome is Outcome.PASSED for result in binding)

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "role": self.role,
            "target": self.target,
            "conforms": self.conforms,
            "score": round(self.score, 1),
            **{outcome.value.replace("-", "_"): self.count(outcome) for outcome in Outcome},
            "remarks": list(self.remarks),
            "clauses": [
                {
                    "id": result.clause.id,
                    "title": result.clause.title,
                    "source": result.clause.source,
                    "confidence": result.clause.confidence,
                    "must": result.clause.must,
                    "outcome": result.outcome.value,
                    "detail": result.detail,
                    "exchange": [piece.shown() for piece in result.exchange] if result.detail else [],
                }
                for result in self.results
            ],
        }

    def to_markdown(self) -> str:
        """The report as Markdown."""
        lines = [f"# Conformance of {self.role} {self.target}", "", self._headline(), ""]
        lines += [f"- {remark}" for remark in self.remarks]
        lines += ["| clause | asks for | binding | outcome |", "|---|---|---|---|"]
        lines += [
            f"| {result.clause.id} | {result.clause.title} | {'must' if result.clause.must else 'should'} "
            f"| {result.outcome.value} |"
            for result in self.results
        ]
        for result in self._remarkable():
            lines += ["", f"## {result.clause.id}: {result.outcome.value}", "", f"{result.clause.title}.", ""]
            lines += [f"{result.detail}", "", f"Source: {result.clause.source} ({result.clause.confidence})."]
            if result.exchange:
                lines += ["", "```text", *(piece.shown() for piece in result.exchange), "```"]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """The report as one HTML page that needs nothing else."""
        rows = "".join(
            f'<tr class="{result.outcome.value}"><td>{result.clause.id}</td><td>{escape(result.clause.title)}</td>'
            f"<td>{'must' if result.clause.must else 'should'}</td><td>{result.outcome.value}</td></tr>"
            for result in self.results
        )
        parts = "".join(
            f'<section><h2 id="{result.clause.id}">{result.clause.id}: {escape(result.clause.title)}</h2>'
            f"<p><b>{result.outcome.value}</b>: {escape(result.detail)}</p>"
            f"<p>Source: {escape(result.clause.source)} ({result.clause.confidence})</p>"
            f"<pre>{escape(chr(10).join(piece.shown() for piece in result.exchange))}</pre></section>"
            for result in self._remarkable()
        )
        title = f"Conformance of {escape(self.role)} {escape(self.target)}"
        remarks = "".join(f"<li>{escape(remark)}</li>" for remark in self.remarks)
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{escape(self._headline())}</p><ul>{remarks}</ul>"
            '<table><thead><tr><th scope="col">Clause</th><th scope="col">Asks for</th><th scope="col">Binding</th>'
            f'<th scope="col">Outcome</th></tr></thead><tbody>{rows}</tbody></table>{parts}</body></html>\n'
        )

    def _headline(self) -> str:
        verdict = "It conforms" if self.conforms else "It does not conform"
        return (
            f"{verdict}: {self.count(Outcome.PASSED)} of {len(self.results)} clauses kept ({self.score:.1f} %), "
            f"{self.count(Outcome.FAILED)} failed, {self.count(Outcome.NOT_RUN)} not run."
        )

    def _remarkable(self) -> Iterable[Result]:
        return (result for result in self.results if result.outcome is not Outcome.PASSED)


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #767676;padding:.3rem .6rem;text-align:left}"
    ".failed td:last-child{background:#8b0000;color:#fff}.passed td:last-child{background:#dff0d8}"
    ".not-run td:last-child{background:#eee}pre{background:#f4f4f4;padding:.6rem;overflow-x:auto}"
)


def clauses_reference(tables: Sequence[tuple[str, Sequence[Clause]]]) -> str:
    """Gives the reference page of all clauses as Markdown.

    Args:
        tables: Heading and clauses of each role.
    """
    lines = [
        "<!-- GENERATED by make generate from the clauses of prcard.simulator; do not edit. -->",
        "# Conformance clauses",
        "",
        "What `prcard conformance` tries, in this order. *must*: programs rely on it. *should*: good practice.",
        "Confidence: A three or more independent sources, B two, C one, D our choice where no source tells.",
    ]
    for heading, clauses in tables:
        lines += [
            "",
            f"## {heading}",
            "",
            "| clause | asks for | binding | source | confidence |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {clause.id} | {clause.title} | {'must' if clause.must else 'should'} | {clause.source} "
            f"| {clause.confidence} |"
            for clause in clauses
        ]
    return "\n".join(lines) + "\n"
