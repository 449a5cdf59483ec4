"""What a counter may do with a card: its acceptance profile, and the trust material to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prcard.acceptance.verify import verify
from prcard.errors import RecordError
from prcard.record import decode, to_document

if TYPE_CHECKING:
    from prcard.acceptance.profile import Profile
    from prcard.acceptance.verdict import Verdict
    from prcard.record.raw import RawCard
    from prcard.trust.material import TrustMaterial

__all__ = ["Policy"]

NOT_PERSONAL = frozenset({"layout", "card_version", "renewal_count", "issue_count"})
"""Fields that say nothing of a person; no rule need keep them."""


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
        """Tells whether a field may be shown to somebody who asks; reserved places never are."""
        return self.profile.shows(field) and not field.startswith("reserved_")

    def may_print(self, field: str) -> bool:
        """Tells whether a field may stand on the slip, masked."""
        return self.profile.prints(field) and self.may_show(field)

    @property
    def show_photo(self) -> bool:
        """Tells whether the photo may be shown."""
        return self.profile.shows("photo")

    def keep_capture(self, raw: RawCard) -> bool:
        """Tells whether all that was read may be handed out as a capture: a rule must keep each field, and the photo.

        Fields of a capture cannot be left out, since they are bytes of one zone.
        """
        try:
            names = [name for name, value in to_document(decode(raw.text)).items() if value]
        except RecordError:
            return False
        kept = all(self.profile.rule_for(name) is not None for name in names if name not in NOT_PERSONAL)
        return self.training or (self.profile.keeps_photo and kept)
