"""The declarations of all layouts; they import construct and are not needed to read a card."""

from prcard.record.layouts.hkmt import HKMTLayout
from prcard.record.layouts.layout import Layout
from prcard.record.layouts.pr2017 import PR2017Layout
from prcard.record.layouts.pr2023 import PR2023Layout
from prcard.record.layouts.resident import ResidentLayout

__all__ = ["ALL_LAYOUTS", "HKMTLayout", "Layout", "PR2017Layout", "PR2023Layout", "ResidentLayout"]

ALL_LAYOUTS: tuple[type[Layout], ...] = (ResidentLayout, HKMTLayout, PR2017Layout, PR2023Layout)
"""Every layout, in the order in which they came."""
