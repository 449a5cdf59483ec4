"""The training desk: virtual readers behind real ports, specimens of a TEST ONLY issuer, and faults on demand.

Everything here says of itself that it is simulated: the SAM id of a virtual reader, the names on the specimens, the
subject of the issuer. Its stations are judged by the training profile and by nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from prcard.counter.policy import Policy
from prcard.record import decode
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.faults import Fault, FaultKind
from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.server import Server
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.profiles import load_profile
from prcard.trust.material import load_material
from prcard.wire.codes import Command, Status

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

__all__ = ["FAULTS", "UNPLUGGED_S", "TrainingDesk"]

UNPLUGGED_S: Final = 3.0
"""How long an unplugged virtual reader stays away, in seconds."""

_READ: Final = Command.READ_TEXT_PHOTO_FINGERPRINT
_ON_THE_LINE: Final = {
    "lifted-early": Fault(kind=FaultKind.CARD_LIFTED_IN_PHOTO),
    "refused-card": Fault(kind=FaultKind.STATUS, command=_READ, values={"status": Status.SAM_REFUSED_CARD.value}),
    "noisy-line": Fault(kind=FaultKind.FLIP_BIT, command=_READ),
}
"""Fault -> what the virtual reader does to its next reading."""

FAULTS: Final = {
    "damaged-card": ("证件数据损坏", "a card with a damaged number"),
    "tampered-photo": ("照片在签发后被替换", "a card whose photo was changed after it was signed"),
    "unknown-edition": ("未知版本的证件", "a card of an edition that is not known"),
    "lifted-early": ("证件取走过早", "the card is lifted too early"),
    "refused-card": ("阅读器未认可证件", "the reader does not accept the card"),
    "noisy-line": ("线路受干扰（应仍能读出）", "a noisy line: the card is read all the same"),
    "unplugged": ("阅读器被拔出后又插回", "the reader is unplugged and comes back"),
}
"""Fault -> what happens, in Chinese and English."""


class TrainingDesk:
    """Virtual readers of one counter; `start` it, `stop` it. Other methods may be called from any thread.

    Args:
        count: How many virtual readers.
    """

    def __init__(self, count: int = 1) -> None:
        self._issuer = SpecimenIssuer(datetime.now(UTC))
        self._cards: dict[str, RawCard] = {}
        self._readers = [_Served(number) for number in range(1, count + 1)]

    def start(self) -> list[tuple[str, str, Policy]]:
        """Serves the readers; gives URI, title and rules of each.

        Raises:
            ReaderError: a port cannot be opened; nothing stays open then.
        """
        issuer = self._issuer
        trust = load_material([issuer.csca], signers=[issuer.dsc], crls=[issuer.crl], status_lists=[issuer.status_list])
        profile = load_profile("training")
        # The desk signs what it lays down, so here signatures count: a photo that was changed must not pass.
        strict = replace(profile, evidence=("issuer-signed",), allow_unchecked_signature=False)
        policy = Policy(profile=strict, trust=trust, training=True)
        try:
            return [(reader.start(), f"TRAINING {reader.number}", policy) for reader in self._readers]
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the virtual readers; a second call does nothing."""
        for reader in self._readers:
            reader.stop()

    def owns(self, uri: str) -> bool:
        """Tells whether a reader is one of the desk's."""
        return any(reader.uri == uri for reader in self._readers)

    def insert(self, uri: str, name: str) -> None:
        """Lays a specimen down, signed by the TEST ONLY issuer.

        Raises:
            RecordError: there is no such specimen.
        """
        virtual = self._reader(uri).virtual
        virtual.clear_faults()
        virtual.insert(self._signed(name), name)

    def remove(self, uri: str) -> None:
        """Lifts the card."""
        self._reader(uri).virtual.remove()

    def inject(self, uri: str, fault: str, name: str) -> None:
        """Makes something go wrong.

        Args:
            uri: Which reader.
            fault: A key of `FAULTS`.
            name: Specimen that the fault befalls, where it befalls a card.

        Raises:
            RecordError: there is no such specimen.
        """
        virtual = self._reader(uri).virtual
        virtual.clear_faults()
        if fault == "unplugged":
            virtual.unplug(UNPLUGGED_S)
            return
        card = self._signed(name)
        if fault in _ON_THE_LINE:
            virtual.inject(_ON_THE_LINE[fault])
        else:
            card = _SPOILED[fault](card)
        virtual.insert(card, name)

    def specimens(self) -> list[dict[str, Any]]:
        """The specimens there are."""
        return [{"name": entry.name, "shows": entry.shows} for entry in SPECIMENS]

    def _signed(self, name: str) -> RawCard:
        if name not in self._cards:
            # Without a fingerprint zone there is room for the security object on every layout.
            self._cards[name] = self._issuer.issue(replace(specimen(name).card(), fingerprint=b""))[0]
        return self._cards[name]

    def _reader(self, uri: str) -> _Served:
        return next(reader for reader in self._readers if reader.uri == uri)


class _Served:
    """One virtual reader behind a port of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.uri = ""
        self.virtual = VirtualReader()
        self._server = Server(self.virtual, [TCPFace()])

    def start(self) -> str:
        self.uri = self._server.start().uris[0]
        return self.uri

    def stop(self) -> None:
        self._server.stop()


def _damaged(card: RawCard) -> RawCard:
    """Changes the last character of the number: it no longer fits as a check digit."""
    number = next(place for place in decode(card.text).places if place.name == "number")
    at = number.offset_bytes + 2 * len(number.kind.decode(number.cut(card.text))) - 2
    other = "1" if card.text[at : at + 1] != b"1" else "2"
    return replace(card, text=card.text[:at] + other.encode("utf-16-le") + card.text[at + 2 :])


def _tampered(card: RawCard) -> RawCard:
    photo = bytearray(card.photo)
    photo[600] ^= 0xFF
    return replace(card, photo=bytes(photo))


def _unknown_edition(card: RawCard) -> RawCard:
    return replace(card, text=card.text[:248] + "Z".encode("utf-16-le") + card.text[250:])


_SPOILED: Final = {"damaged-card": _damaged, "tampered-photo": _tampered, "unknown-edition": _unknown_edition}
