"""The page's words: both languages, every word that the page asks for, none that it does not."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from prcard.counter.texts import FAULTS, LAYOUTS, PAGE, page_texts
from prcard.errors import ReaderFault
from prcard.record import LAYOUTS as KNOWN_LAYOUTS

SCRIPT = (resources.files("prcard.counter") / "page" / "app.js").read_text(encoding="utf-8")
MARKUP = (resources.files("prcard.counter") / "page" / "index.html").read_text(encoding="utf-8")
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("key", [key for key in PAGE if key not in {"language", "language.hint"}])
def test_a_text_is_there_in_both_languages(key: str) -> None:
    zh, en = PAGE[key]
    assert HAN.search(zh)
    assert en
    assert not HAN.search(en)
    assert set(re.findall(r"\{(\w+)\}", zh)) == set(re.findall(r"\{(\w+)\}", en))


def test_the_languages_have_the_same_keys() -> None:
    texts = page_texts()
    assert set(texts) == {"zh", "en"}
    assert texts["zh"].keys() == texts["en"].keys()


def test_every_fault_and_layout_is_worded() -> None:
    assert FAULTS.keys() == set(ReaderFault)
    assert LAYOUTS.keys() == set(KNOWN_LAYOUTS)


def asked_for() -> set[str]:
    """The keys that the page asks for by name; a key with a variable in it stands for all that begin so."""
    found = set(re.findall(r'\bt\((?:[\w.? ]+\? )?"([\w.]+)"', SCRIPT))
    found |= set(re.findall(r'"([a-z]+\.[\w.]+)"', SCRIPT))
    return found | set(re.findall(r'data-text="([\w.]+)"', MARKUP))


def test_the_page_asks_for_no_word_that_is_not_there() -> None:
    known = page_texts()["en"]
    assert {key for key in asked_for() if key not in known and not key.endswith(".js")} == set()


def test_the_page_asks_for_every_word_that_is_there() -> None:
    stems = set(re.findall(r"`([a-z]+\.)\$\{", SCRIPT))
    unused = [
        key for key in PAGE if key not in asked_for() and not key.startswith(tuple(stems)) and f'"{key}"' not in SCRIPT
    ]
    assert unused == []
