"""Endpoints in the shape of local services that reader makers ship, so that existing pages work unchanged.

Compatible by observation: the shapes come from public pages and programs that call those services, not from the makers.
What is not known is named beside each. Off unless `--compat` names one, and only for pages on the list of origins.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from prcard.counter.gate import App
    from prcard.counter.service import Counter

__all__ = ["VENDORS", "Vendor", "vendor"]

VENDORS: Final = ("synjones", "huashi", "donsee")


class Vendor(Protocol):
    """One maker's local service.

    Attributes:
        name: Short name.
        scheme: `http` or `ws`.
        port: Port that its pages expect.
    """

    name: str
    scheme: str
    port: int

    def app(self, counter: Counter) -> App:
        """Gives the application that answers as the maker's service does."""


def vendor(name: str) -> Vendor:
    """Gives the endpoints of a maker, on the port that its pages expect.

    Args:
        name: One of `VENDORS`.
    """
    made: Vendor = importlib.import_module(f"prcard.counter.compat.{name}").Endpoint()
    return made
