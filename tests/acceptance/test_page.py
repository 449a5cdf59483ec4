"""The report as HTML: whole in one file, in both languages, with nothing that reaches out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest

from prcard.acceptance.messages import CHECKS, REASONS
from prcard.acceptance.page import verdict_page
from prcard.acceptance.profile import NO_LEGAL_ADVICE, Profile
from prcard.acceptance.verify import verify
from prcard.record.raw import Provenance, RawCard
from prcard.store.profiles import load_profile, profile_names

MakeCard = Callable[..., RawCard]


class Outline(HTMLParser):
    """Collects tags and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", profile_names())
def test_it_is_whole_and_asks_nobody(card: MakeCard, name: str, now: datetime) -> None:
    page = verdict_page(verify(card(), load_profile(name), now), load_profile(name), [("号码 number", "911***")])
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    tags = {tag for tag, _ in outline.seen}
    assert not tags & {"script", "img", "link", "iframe", "form", "object", "a", "video", "base"}
    attributes = {name for _, attrs in outline.seen for name in attrs}
    assert not attributes & {"src", "href", "style", "onload", "srcset"}
    assert not re.search(r"https?://|url\(|@import|//[a-z]", page)
    assert "default-src 'none'" in page
    assert "@media print" in page


def test_it_tells_every_check_in_both_languages(card: MakeCard, now: datetime) -> None:
    bank = load_profile("bank")
    verdict = verify(card("goro"), bank, now)
    page = verdict_page(verdict, bank)
    for check in verdict.checks:
        assert CHECKS[check.code].zh in page
        assert f'<span lang="en">{CHECKS[check.code].en}</span>' in page
        assert f"({check.reason})" in page
    assert REASONS["expired"].advice_zh in page
    assert "不通过" in page
    assert "已过期" in page
    assert NO_LEGAL_ADVICE[0] in page
    assert NO_LEGAL_ADVICE[1] in page
    assert "未确认" in page
    assert all(text.replace("'", "&#x27;") in page for text in bank.unconfirmed)


def test_what_comes_from_outside_is_escaped(real: MakeCard, counter: Profile, now: datetime) -> None:
    hostile = '<script>alert("x")</script>'
    raw = replace(real(), provenance=Provenance(transport=hostile, sam_id=hostile))
    odd = replace(
        counter, name=hostile, title_en=hostile, source=hostile, reviewed_by=hostile, reviewed_on="2026-01-01"
    )
    page = verdict_page(verify(raw, odd, now), odd, [(hostile, hostile)])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6
