"""A virtual reader inside pyscard, used as any program uses pyscard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from smartcard.CardConnectionObserver import CardConnectionObserver
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.ExclusiveTransmitCardConnection import ExclusiveTransmitCardConnection
from smartcard.reader.ReaderFactory import ReaderFactory
from smartcard.System import readers

from prcard.simulator.apdu_card import ATR
from prcard.simulator.device import VirtualReader
from prcard.simulator.pyscard import NAME, VirtualPyscardReader, installed
from prcard.simulator.specimens import specimen

SELECT = list(bytes.fromhex("00A4040008F050524341524401"))
READ_TEXT = list(bytes.fromhex("00B0810000"))


@pytest.fixture
def virtual() -> VirtualReader:
    reader = VirtualReader()
    reader.insert(specimen("alice").card())
    return reader


@pytest.fixture
def slot(virtual: VirtualReader) -> Iterator[VirtualPyscardReader]:
    reader = VirtualPyscardReader(virtual)
    with installed(reader, alone=True):
        yield reader


def test_programs_find_it_and_read_the_card(slot: VirtualPyscardReader) -> None:
    assert [str(reader) for reader in readers()] == [NAME]
    connection = readers()[0].createConnection()
    connection.connect()
    assert bytes(connection.getATR()) == ATR
    assert connection.transmit(SELECT) == ([], 0x90, 0x00)
    data, sw1, sw2 = connection.transmit(READ_TEXT)
    assert (bytes(data), sw1, sw2) == (specimen("alice").card().text, 0x90, 0x00)
    connection.reconnect()
    assert connection.transmit([0x00, 0xB0, 0, 0, 0])[1:] == (0x69, 0x86), "a reset forgets what was selected"
    connection.disconnect()
    with pytest.raises(CardConnectionException):
        connection.transmit(SELECT)


def test_observers_and_exclusive_connections_work(slot: VirtualPyscardReader) -> None:
    seen: list[str] = []

    class Observer(CardConnectionObserver):  # type: ignore[misc]  # pyscard has no types
        def update(self, observable: object, event: object) -> None:
            seen.append(getattr(event, "type", ""))

    connection = ExclusiveTransmitCardConnection(slot.createConnection())
    connection.addObserver(Observer())
    connection.connect()
    connection.lock()
    connection.transmit(SELECT)
    connection.unlock()
    connection.disconnect()
    assert seen == ["connect", "command", "response", "disconnect"]


def test_without_a_card(slot: VirtualPyscardReader, virtual: VirtualReader) -> None:
    virtual.remove()
    with pytest.raises(NoCardException) as none:
        slot.createConnection().connect()
    assert none.value.hresult == 0x8010000C


def test_a_card_that_is_lifted_or_swapped_ends_the_connection(
    slot: VirtualPyscardReader, virtual: VirtualReader
) -> None:
    for change in (virtual.remove, lambda: virtual.insert(specimen("bob").card())):
        virtual.insert(specimen("alice").card())
        connection = slot.createConnection()
        connection.connect()
        change()
        with pytest.raises(CardConnectionException) as lost:
            connection.transmit(SELECT)
        assert lost.value.hresult == 0x80100069


def test_the_factory_is_left_as_it_was(virtual: VirtualReader) -> None:
    before = list(ReaderFactory.factorymethods)
    with installed(VirtualPyscardReader(virtual)):
        assert len(ReaderFactory.factorymethods) == len(before) + 1
    assert ReaderFactory.factorymethods == before
