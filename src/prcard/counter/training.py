"""The training desk: virtual readers behind real ports, specimens of a TEST ONLY issuer, and faults on demand.

Everything here says of itself that it is simulated: the SAM id of a virtual reader, the names on the specimens, the
subject of the issuer. Its stations are judged by the training profile and by nothing else.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from prcard.counter.policy import Policy
from prcard.record import decode
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import TCPFace
from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.server import Server
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store.profiles import load_profile
from prcard.trust.material import load_material

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

__all__ = ["FAULTS", "UNPLUGGED_S", "TrainingDesk"]

UNPLUGGED_S: Final = 3.0
"""How long an unplugged virtual reader stays away, in seconds."""

FAULTS: Final = {
    "damaged-card": ("证件数据损坏", "a card with a damaged number"),
    "tampered-photo": ("照片在签发后被替换", "a card whose photo was changed after it was signed"),
    "unknown-edition": ("未知版本的证件", "a card of an edition that is not known"),
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
        self._readers = [_Plugged(number) for number in range(1, count + 1)]

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
            return [(reader.plug_in(), f"TRAINING {reader.number}", policy) for reader in self._readers]
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the virtual readers; a second call does nothing."""
        for reader in self._readers:
            reader.end()

    def owns(self, uri: str) -> bool:
        """Tells whether a reader is one of the desk's."""
        return any(reader.uri == uri for reader in self._readers)

    def insert(self, uri: str, name: str) -> None:
        """Lays a specimen down, signed by the TEST ONLY issuer.

        Raises:
            RecordError: there is no such specimen.
        """
        self._reader(uri).virtual.insert(self._signed(name), name)

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
        reader = self._reader(uri)
        if fault == "unplugged":
            reader.unplug(UNPLUGGED_S)
        else:
            reader.virtual.insert(_SPOILED[fault](self._signed(name)), name)

    def specimens(self) -> list[dict[str, Any]]:
        """The specimens there are."""
        return [{"name": entry.name, "shows": entry.shows} for entry in SPECIMENS]

    def _signed(self, name: str) -> RawCard:
        # Without a fingerprint zone there is room for the security object on every layout.
        return self._issuer.issue(replace(specimen(name).card(), fingerprint=b""))[0]

    def _reader(self, uri: str) -> _Plugged:
        return next(reader for reader in self._readers if reader.uri == uri)


class _Plugged:
    """One virtual reader that can be unplugged and comes back under the same address."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.uri = ""
        self.virtual = VirtualReader()
        self._port = 0
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._ended = False
        self._timer: threading.Timer | None = None

    def plug_in(self) -> str:
        with self._lock:
            if self._server is None and not self._ended:
                server = Server(self.virtual, [TCPFace("127.0.0.1", self._port)]).start()
                self._server, self.uri = server, server.uris[0]
                self._port = int(self.uri.rpartition(":")[2])
        return self.uri

    def unplug(self, seconds: float) -> None:
        with self._lock:
            if self._server is None:
                return
            self._server.stop()
            self._server = None
            # Power that goes and comes back makes a reader find the same card again; here somebody takes it away.
            self.virtual.remove()
            self._timer = threading.Timer(seconds, self.plug_in)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        with self._lock:
            self._ended = True
            if self._timer is not None:
                self._timer.cancel()
            if self._server is not None:
                self._server.stop()
                self._server = None


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
