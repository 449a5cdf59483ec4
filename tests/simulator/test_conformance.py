"""Reports: JSON, Markdown, one HTML page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator

from prcard.cli.schemas import schemas
from prcard.simulator.conformance import Clause, Exchange, Outcome, Report, Result, clauses_reference
from prcard.simulator.host_clauses import HOST_CLAUSES
from prcard.simulator.reader_clauses import READER_CLAUSES
from prcard.wire.codes import Command
from prcard.wire.frame import Frame

MUST, SHOULD = (Clause(f"R0{at}", f"Clause <{at}>", "document", "A", at == 1, print) for at in (1, 2))


def report(*outcomes: tuple[Clause, Outcome]) -> Report:
    exchange = (
        Exchange(">", 0, Frame.request(Command.FIND_CARD).serialize()),
        Exchange("<", 12, Frame.reply(0x90, b"SECRET" * 200).serialize()),
        Exchange("<", 13, b"\x00<noise>"),
    )
    results = tuple(
        Result(
            clause=clause,
            outcome=outcome,
            detail="" if outcome is Outcome.PASSED else "expected < 5",
            exchange=exchange,
        )
        for clause, outcome in outcomes
    )
    return Report(role="reader", target="tcp:<x>", results=results, remarks=("a remark",))


FAILED = report((MUST, Outcome.FAILED), (SHOULD, Outcome.PASSED))


@pytest.mark.parametrize(
    ("outcomes", "conforms", "score"),
    [
        (((MUST, Outcome.PASSED), (SHOULD, Outcome.PASSED)), True, 100.0),
        (((MUST, Outcome.PASSED), (SHOULD, Outcome.FAILED)), True, 50.0),
        (((MUST, Outcome.PASSED), (SHOULD, Outcome.NOT_RUN)), True, 50.0),
        (((SHOULD, Outcome.PASSED),), False, 100.0),
        (((MUST, Outcome.FAILED), (SHOULD, Outcome.PASSED)), False, 50.0),
        (((MUST, Outcome.NOT_RUN), (SHOULD, Outcome.PASSED)), False, 50.0),
        ((), False, 0.0),
    ],
)
def test_score_and_verdict(outcomes: tuple[tuple[Clause, Outcome], ...], conforms: bool, score: float) -> None:
    made = report(*outcomes)
    assert (made.conforms, made.score) == (conforms, score)


def test_the_json_form_is_valid_and_shows_the_bytes_of_what_failed() -> None:
    document = FAILED.to_document()
    Draft202012Validator(schemas()["conformance"]).validate(document)
    failed, passed = document["clauses"]
    assert failed["exchange"][0] == (">     0 ms  AA AA AA 96 69 00 03 20 01 22  (request FIND_CARD: find a card)")
    assert failed["exchange"][1].startswith("<    12 ms  AA AA AA 96 69 04 B4 00 00 90 ")
    assert passed["exchange"] == []


def test_no_zone_is_in_any_form() -> None:
    for text in (str(FAILED.to_document()), FAILED.to_markdown(), FAILED.to_html()):
        assert "SECRET" not in text
        assert (b"SECRET" * 2).hex(" ").upper() not in text


def test_markdown_shows_every_clause_and_the_bytes() -> None:
    text = FAILED.to_markdown()
    assert "It does not conform: 1 of 2 clauses kept (50.0 %), 1 failed, 0 not run." in text
    assert "| R01 | Clause <1> | must | failed |" in text
    assert "<    13 ms  00 3C 6E 6F 69 73 65 3E" in text
    assert "- a remark" in text


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [name for name, _ in attrs if name in {"src", "href"}]


def test_the_html_page_needs_nothing_else_and_escapes_all() -> None:
    page = FAILED.to_html()
    links = Links()
    links.feed(page)
    assert links.outside == []
    assert "script" not in links.tags
    assert "<x>" not in page
    assert "Clause &lt;1&gt;" in page
    assert "expected &lt; 5" in page
    assert 'lang="en"' in page


def test_the_page_of_clauses_shows_each_with_its_source() -> None:
    page = clauses_reference((("For readers", READER_CLAUSES), ("For hosts", HOST_CLAUSES)))
    for clause in (*READER_CLAUSES, *HOST_CLAUSES):
        assert f"| {clause.id} | {clause.title} |" in page
        assert clause.source
        assert clause.confidence in "ABCD"
