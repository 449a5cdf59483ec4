"""The country table is what pycountry gives."""

from __future__ import annotations

from pathlib import Path

import pycountry

from prcard.record import _countries
from prcard.record.codes import countries
from prcard.record.countries_source import countries_module


def test_the_committed_table_is_current() -> None:
    assert Path(_countries.__file__).read_text(encoding="utf-8") == countries_module()


def test_codes_are_those_of_the_package() -> None:
    assert {(c.alpha2, c.alpha3, c.numeric) for c in countries()} == {
        (c.alpha_2, c.alpha_3, c.numeric) for c in pycountry.countries
    }
