"""What a counter may do with a card: its acceptance profile, and the trust material to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prcard.acceptance.verify import verify

if TYPE_CHECKING:
    from prcard.acceptance.profile import Profile
    from prcard.acceptance.verdict import Verdict
    from prcard.record.raw import RawCard
    from prcard.trust.material import TrustMaterial

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one station.

    Attributes:
        profile: The acceptance profile.
        trust: Issuers, signers and lists; None leaves signatures unchecked.
        training: True where every card is a specimen: marked as such wherever a verdict is shown.
    """

    profile: Profile
    trust: TrustMaterial | None = None
    training: bool = False

    def judge(self, raw: RawCard) -> Verdict:
        """Judges a card as of now."""
        return verify(raw, self.profile, datetime.now(UTC), self.trust)

    def may_show(self, field: str) -> bool:
        """Tells whether a field may be shown to somebody who asks."""
        return not field.startswith("reserved_")

    @property
    def show_photo(self) -> bool:
        """Tells whether the photo may be shown."""
        return True

    @property
    def keep_capture(self) -> bool:
        """Tells whether what was read may be handed out as a capture, to be kept."""
        return self.training
