"""A virtual reader inside pyscard: any program in this process that uses pyscard finds it, without pcscd.

    with installed(VirtualPyscardReader(virtual)):
        smartcard.System.readers()      # [prcard virtual reader in process]

pyscard's `CardRequest` and `CardMonitor` do not see it: they ask the PC/SC service by its raw functions. `readers()`,
connections, observers and `ReaderMonitor` do.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from smartcard.CardConnection import CardConnection
from smartcard.CardConnectionDecorator import CardConnectionDecorator
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.reader.Reader import Reader
from smartcard.reader.ReaderFactory import ReaderFactory

from prcard.simulator.apdu_card import APDUCard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prcard.record.raw import RawCard
    from prcard.simulator.device import VirtualReader

__all__ = ["NAME", "VirtualPyscardReader", "installed"]

NAME: Final = "prcard virtual reader in process"

NO_CARD: Final = 0x8010000C
REMOVED: Final = 0x80100069


class VirtualPyscardReader(Reader):  # type: ignore[misc]  # pyscard has no types
    """A reader of pyscard whose slot is that of a virtual reader.

    Args:
        reader: Where cards are laid down and lifted.
        name: What programs see; keep its beginning, by which everyone recognises a virtual reader.
        card: Makes the card that answers APDUs of the zones that lie there.
    """

    def __init__(
        self, reader: VirtualReader, name: str = NAME, *, card: Callable[[RawCard], APDUCard] = APDUCard
    ) -> None:
        super().__init__(name)
        self._insertions = 0
        self.card: APDUCard | None = None
        self._make = card
        reader.subscribe(self._lay)

    def _lay(self, card: RawCard | None) -> None:
        self.card = None if card is None else self._make(card)
        self._insertions += card is not None

    @property
    def presence(self) -> int | None:
        """Number of the insertion, which tells a card from one that lay there before; None without a card."""
        return None if self.card is None else self._insertions

    def createConnection(self) -> CardConnectionDecorator:  # noqa: N802  # the name is pyscard's
        """Gives a connection, not connected yet, as `createConnection` of any pyscard reader does."""
        return CardConnectionDecorator(_Connection(self))


class _Connection(CardConnection):  # type: ignore[misc]  # as above
    """One connection to the card that lies there when it connects."""

    def __init__(self, reader: VirtualPyscardReader) -> None:
        super().__init__(reader)
        self._slot = reader
        self._card: APDUCard | None = None

    def connect(
        self,
        protocol: int | None = None,
        mode: int | None = None,  # noqa: ARG002  # the signature is pyscard's
        disposition: int | None = None,  # noqa: ARG002  # as above
    ) -> None:
        """See pyscard; the protocol is T=1 whatever is asked for."""
        super().connect(protocol)
        if self._slot.card is None:
            raise NoCardException("No smart card inserted.", hresult=NO_CARD)
        self._card = self._slot.card
        self._card.reset()

    def reconnect(
        self,
        protocol: int | None = None,
        mode: int | None = None,  # noqa: ARG002  # the signature is pyscard's
        disposition: int | None = None,  # noqa: ARG002  # as above
    ) -> None:
        """See pyscard."""
        self.connect(protocol)

    def disconnect(self) -> None:
        """See pyscard."""
        super().disconnect()
        self._card = None

    def getATR(self) -> list[int]:  # noqa: N802  # as above
        """See pyscard."""
        return list(self._present().atr)

    def doTransmit(self, command: list[int], protocol: int | None = None) -> tuple[list[int], int, int]:  # noqa: N802, ARG002
        """See pyscard."""
        response = self._present().answer(bytes(command))
        return list(response[:-2]), response[-2], response[-1]

    def _present(self) -> APDUCard:
        card = self._card
        if card is None:
            raise CardConnectionException("Card not connected")
        if card is not self._slot.card:
            raise CardConnectionException("Card was removed.", hresult=REMOVED)
        return card


@contextlib.contextmanager
def installed(*readers: VirtualPyscardReader, alone: bool = False) -> Iterator[None]:
    """Registers readers with pyscard for as long as the block runs.

    Args:
        readers: What `smartcard.System.readers()` is to list.
        alone: True hides the readers of the PC/SC service, which also saves a program from its absence.
    """
    methods: list[Any] = ReaderFactory.factorymethods
    before = list(methods)
    methods[:] = [lambda _groups=None: list(readers), *([] if alone else before)]
    try:
        yield
    finally:
        methods[:] = before
