"""PC/SC readers: on a real pcscd with a virtual card, and in process; everything that can go wrong made to happen."""

from __future__ import annotations

import builtins
import ctypes
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from smartcard import scard
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.pcsc.PCSCExceptions import EstablishContextException

from prcard.errors import ReaderError, ReaderFault
from prcard.reader import pcsc as adapter
from prcard.reader import watchdog
from prcard.reader.pcsc import PCSCReader, fault_of, open_reader, reader_names, select
from prcard.reader.uri import attached_readers, choose_reader, open_channel
from prcard.reader.uri import open_reader as open_any
from prcard.record.raw import ManagementNumbers, RawCard
from prcard.simulator.apdu_card import ATR, APDUCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.pyscard import VirtualPyscardReader, installed
from prcard.simulator.vpcd import PCSCFace
from prcard.wire.apdu import CommandAPDU
from prcard.wire.card_application import CardKind
from prcard.wire.procedure import ReadOptions
from prcard.wire.tlv import wrap

CARD = RawCard(
    text=b"t" * 256,
    photo=bytes(range(256)) * 4,
    fingerprint=b"C" + b"f" * 1023,
    extra=(b"a" * 70,),
    management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
    security_object=wrap(0x77, bytes(2000)),
)
OTHER = replace(CARD, text=b"u" * 256, photo=bytes(1024))
EVERYTHING = ReadOptions(fingerprint=True, extra=True, management=True)
Serve = Callable[[PCSCFace], PCSCFace]


def fault_when(call: Callable[[], object]) -> ReaderFault:
    with pytest.raises(ReaderError) as refused:
        call()
    assert refused.value.advice
    return refused.value.fault


@pytest.fixture
def virtual() -> VirtualReader:
    reader = VirtualReader()
    reader.insert(CARD)
    return reader


def test_a_card_is_read_whole_through_pcscd(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual))
    for uri in (face.uri, f"{face.uri}?apdu=short", "pcsc:PRCARD virtual reader 00 00"):
        with open_any(uri) as reader:
            raw = reader.read(5, EVERYTHING)
        assert replace(raw, provenance=CARD.provenance) == CARD
        assert raw.provenance.reader == face.uri
        assert raw.provenance.transport == "pcsc"
        assert raw.provenance.simulated
        assert raw.provenance.sam_id is None


class T0Card(APDUCard):
    """A card that offers T=0 alone, although it says that it takes long commands."""

    atr = b"\x3b\x0f" + ATR[4:-1]

    def __init__(self, card: RawCard) -> None:
        super().__init__(card, get_response=True)

    def answer(self, data: bytes) -> bytes:
        command = CommandAPDU.parse(data)
        assert not command.extended
        assert not (command.data and command.le)
        return super().answer(data)


def test_a_card_that_speaks_t0_alone(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual, card=T0Card))
    with open_any(face.uri) as reader:
        raw = reader.read(5, EVERYTHING)
    assert replace(raw, provenance=CARD.provenance) == CARD


def test_a_card_is_read_once_until_it_was_lifted(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual))
    with open_any(face.uri) as reader:
        assert reader.read(5).text == CARD.text
        assert fault_when(lambda: reader.read(0.3)) is ReaderFault.CARD_NOT_LIFTED
        swap = threading.Timer(0.1, virtual.insert, [OTHER])
        swap.start()
        assert reader.read(5).text == OTHER.text
        swap.join()
        assert fault_when(lambda: reader.read(0.3, ReadOptions(fresh=True))) is ReaderFault.CARD_NOT_LIFTED


def test_it_waits_for_a_card(pcsc: Serve) -> None:
    virtual = VirtualReader()
    face = pcsc(PCSCFace(virtual))
    with open_any(face.uri) as reader:
        start = time.monotonic()
        assert fault_when(lambda: reader.read(0.4)) is ReaderFault.NO_CARD
        assert 0.35 < time.monotonic() - start < 2
        laid = threading.Timer(0.1, virtual.insert, [CARD])
        laid.start()
        assert reader.read(5).text == CARD.text
        laid.join()


def test_closing_ends_the_wait(pcsc: Serve) -> None:
    face = pcsc(PCSCFace(VirtualReader()))
    reader = open_any(face.uri)
    closing = threading.Timer(0.2, reader.close)
    closing.start()
    assert fault_when(lambda: reader.read(30)) is ReaderFault.LOST
    closing.join()


def test_names_choose_a_reader(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace([virtual, VirtualReader()]))
    assert reader_names() == face.names
    assert [uri for uri, _ in attached_readers() if uri.startswith("pcsc:")] == [f"pcsc:{name}" for name in face.names]
    with pytest.raises(ReaderError, match="00 00, prcard virtual reader 00 01") as several:
        open_reader("virtual")
    assert several.value.fault is ReaderFault.AMBIGUOUS
    with pytest.raises(ReaderError, match="there are: prcard virtual reader 00 00") as none:
        open_reader("ACR122")
    assert none.value.fault is ReaderFault.NOT_FOUND
    assert fault_when(lambda: open_reader("prcard?apdu=long")) is ReaderFault.BAD_URI
    assert fault_when(lambda: choose_reader(None)) is ReaderFault.AMBIGUOUS
    assert open_reader("00 01").uri == f"pcsc:{face.names[1]}"


@pytest.mark.parametrize(
    ("wanted", "names", "found"),
    [
        ("", ["A", "B"], ["A", "B"]),
        ("a", ["ACR", "BCR"], ["ACR"]),
        ("ACR 1", ["ACR 1", "ACR 10"], ["ACR 1"]),
        ("", ["Windows Hello for Business 1", "ACR"], ["ACR"]),
        ("hello", ["Windows Hello for Business 1"], []),
        ("Windows Hello for Business 1", ["Windows Hello for Business 1"], ["Windows Hello for Business 1"]),
    ],
)
def test_select(wanted: str, names: list[str], found: list[str]) -> None:
    assert select(wanted, names) == found


def test_a_pcsc_reader_has_no_line(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual))
    assert fault_when(lambda: open_channel(face.uri)) is ReaderFault.BAD_URI


class Acting(APDUCard):
    """A card to which something happens at a certain command."""

    act: Callable[[], object] = staticmethod(lambda: None)
    at = 5

    def answer(self, data: bytes) -> bytes:
        type(self).at -= 1
        if self.at == 0:
            self.act()
        return super().answer(data)


def acting(act: Callable[[], object], at: int = 5) -> type[Acting]:
    return type("ActingCard", (Acting,), {"act": staticmethod(act), "at": at})


def test_a_card_that_is_lifted_while_it_is_read(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual, card=acting(virtual.remove)))
    with open_any(face.uri) as reader:
        assert fault_when(lambda: reader.read(5)) is ReaderFault.CARD_REMOVED
        virtual.insert(CARD)
        assert reader.read(5).text == CARD.text


def test_a_card_that_was_lifted_just_before_is_no_reason_to_give_up(pcsc: Serve, virtual: VirtualReader) -> None:
    """pcscd shows it for some time still; what counts is the card that comes."""
    face = pcsc(PCSCFace(virtual))
    with open_any(face.uri) as reader:
        virtual.insert(OTHER)
        assert reader.read(10).text == OTHER.text


@pytest.mark.parametrize("at", [4, 8, 12])
def test_a_card_that_is_swapped_quicker_than_pcscd_sees(pcsc: Serve, virtual: VirtualReader, at: int) -> None:
    """The old handle goes on and talks to the other card: nothing may be mixed."""
    face = pcsc(PCSCFace(virtual, card=acting(lambda: virtual.insert(OTHER), at), swap_s=0.0))
    with open_any(f"{face.uri}?apdu=short") as reader:
        fault = fault_when(lambda: reader.read(5))
        assert fault in {ReaderFault.CARD_REMOVED, ReaderFault.CARD_REFUSED, ReaderFault.CARD_UNREADABLE}
        assert reader.read(5).text == OTHER.text


def test_pcscd_dies_and_comes_back(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual))
    with open_any(face.uri) as reader:
        face.pcscd.kill()
        assert fault_when(lambda: reader.read(1)) is ReaderFault.SERVICE_DOWN
        assert attached_readers() == [entry for entry in attached_readers() if not entry[0].startswith("pcsc:")]
        face.pcscd.restart()
        assert reader.read(5).text == CARD.text


def test_pcscd_dies_inside_a_command(pcsc: Serve, virtual: VirtualReader) -> None:
    faces: list[PCSCFace] = []

    def kill() -> None:
        faces[0].pcscd.kill()

    faces.append(pcsc(PCSCFace(virtual, card=acting(kill))))
    with open_any(faces[0].uri) as reader:
        assert fault_when(lambda: reader.read(5)) is ReaderFault.SERVICE_DOWN


def test_another_program_holds_the_card(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual))
    with adapter.context() as handle:
        protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, card, _ = scard.SCardConnect(handle, face.names[0], scard.SCARD_SHARE_EXCLUSIVE, protocols)
        assert code == 0
        with open_any(face.uri) as reader:
            assert fault_when(lambda: reader.read(0.3)) is ReaderFault.BUSY
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
            assert reader.read(5).text == CARD.text


def test_a_command_that_hangs_is_given_up(pcsc: Serve, virtual: VirtualReader, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(watchdog, "TRANSMIT_S", 0.4)
    face = pcsc(PCSCFace(virtual, card=acting(lambda: go_on.wait(20))))
    with open_any(face.uri) as reader:
        start = time.monotonic()
        assert fault_when(lambda: reader.read(10)) is ReaderFault.HUNG
        assert time.monotonic() - start < 3
        # The thread that hangs is not joined by a second one.
        assert fault_when(lambda: reader.read(10)) is ReaderFault.HUNG
        threads = [thread for thread in threading.enumerate() if thread.name == f"prcard-{face.uri}"]
        assert len(threads) == 1
        go_on.set()
        threads[0].join(10)
        assert reader.read(5).text == CARD.text


def test_nothing_stays_open(pcsc: Serve, virtual: VirtualReader) -> None:
    """pcscd has room for 200 contexts: a leak of one per reading would show after 200 readings."""
    face = pcsc(PCSCFace(virtual))
    with open_any(face.uri) as reader:
        assert isinstance(reader, PCSCReader)
        for _ in range(210):
            reader.identify(5)


def test_what_lies_there_is_named(pcsc: Serve, virtual: VirtualReader) -> None:
    sealed = PCSCFace(virtual, card=lambda card: APDUCard(card, kinds={CardKind.SEALED}))
    face = pcsc(sealed)
    reader = open_reader(face.names[0])
    identity = reader.identify(5)
    assert (identity.kind, identity.management_number) == (CardKind.SEALED, b"D" * 16)
    assert identity.simulated
    with pytest.raises(ReaderError, match="certified reader") as sealed_card:
        reader.read(5)
    assert sealed_card.value.fault is ReaderFault.CARD_SEALED


def test_a_second_thread_is_refused(pcsc: Serve) -> None:
    face = pcsc(PCSCFace(VirtualReader()))
    reader = open_reader(face.names[0])
    faults: list[ReaderFault] = []
    waiting = threading.Thread(target=lambda: faults.append(fault_when(lambda: reader.read(30))))
    waiting.start()
    while not reader._in_use.locked():
        time.sleep(0.001)
    assert fault_when(lambda: reader.read(1)) is ReaderFault.BUSY
    reader.close()
    waiting.join()
    assert faults == [ReaderFault.LOST]


def test_in_process_without_pcscd(virtual: VirtualReader) -> None:
    with installed(VirtualPyscardReader(virtual)), open_any("pcsc:in process") as reader:
        raw = reader.read(5, EVERYTHING)
        assert replace(raw, provenance=CARD.provenance) == CARD
        assert raw.provenance.simulated
        assert fault_when(lambda: reader.read(0.2)) is ReaderFault.CARD_NOT_LIFTED
        assert fault_when(lambda: reader.read(0.2, ReadOptions(fresh=True))) is ReaderFault.CARD_NOT_LIFTED
        virtual.remove()
        assert fault_when(lambda: reader.read(0.2)) is ReaderFault.NO_CARD
        virtual.insert(OTHER)
        assert reader.read(5).text == OTHER.text


def test_in_process_without_the_systems_library(virtual: VirtualReader, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    adapter._load_system_library.cache_clear()
    with installed(VirtualPyscardReader(virtual), alone=True), open_any("pcsc:") as reader:
        assert reader.read(5).text == CARD.text


def test_in_process_a_card_is_lifted_while_it_is_read(virtual: VirtualReader) -> None:
    slot = VirtualPyscardReader(virtual, card=acting(virtual.remove))
    with installed(slot, alone=True), open_any("pcsc:") as reader:
        assert fault_when(lambda: reader.read(5)) is ReaderFault.CARD_REMOVED


class TwoBytesShort(APDUCard):
    def answer(self, data: bytes) -> bytes:
        return super().answer(data)[:1] if data[1] == 0xB0 else super().answer(data)


def test_an_answer_without_a_status_word_ends_the_card(pcsc: Serve, virtual: VirtualReader) -> None:
    face = pcsc(PCSCFace(virtual, card=TwoBytesShort))
    with open_any(face.uri) as reader:
        assert fault_when(lambda: reader.read(5)) is ReaderFault.CARD_REMOVED


def test_a_reader_that_does_not_carry_long_commands_is_read_in_short_ones(pcsc: Serve, virtual: VirtualReader) -> None:
    class ShortOnly(APDUCard):
        def answer(self, data: bytes) -> bytes:
            if len(data) >= 7 and not data[4]:
                raise ConnectionError("the reader gives up and the card is gone")
            return super().answer(data)

    face = pcsc(PCSCFace(virtual, card=ShortOnly))
    with open_any(face.uri) as reader:
        assert fault_when(lambda: reader.read(5)) is ReaderFault.CARD_REMOVED
        assert reader.read(5).text == CARD.text


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (EstablishContextException(0x8010001D), ReaderFault.SERVICE_DOWN),
        (CardConnectionException("x", hresult=0x80100069), ReaderFault.CARD_REMOVED),
        (CardConnectionException("x", hresult=0x80100069 - (1 << 32)), ReaderFault.CARD_REMOVED),
        (CardConnectionException("Card returned no valid response", hresult=0), ReaderFault.CARD_REMOVED),
        (NoCardException("x", hresult=0x8010000C), ReaderFault.NO_CARD),
        (NoCardException("x", hresult=0), ReaderFault.NO_CARD),
        (RuntimeError("of somebody's reader"), ReaderFault.LOST),
    ],
)
def test_both_hierarchies_of_pyscard_are_understood(error: Exception, fault: ReaderFault) -> None:
    assert fault_of(error).fault is fault


def test_without_pyscard_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def hidden(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "smartcard":
            raise ImportError(name)
        return real(name, *arguments, **options)

    # As in a process that never had it.
    for name in [name for name in sys.modules if name.partition(".")[0] == "smartcard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", hidden)
    with pytest.raises(ReaderError, match=r"prcard\[pcsc\]") as missing:
        open_any("pcsc:")
    assert missing.value.fault is ReaderFault.MISSING_EXTRA
    assert [uri for uri, _ in attached_readers() if uri.startswith("pcsc:")] == []
    with open_any("sim:alice") as reader:
        assert reader.read(5).text


def test_without_the_systems_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", missing)
    adapter._load_system_library.cache_clear()
    assert fault_when(lambda: open_any("pcsc:")) is ReaderFault.MISSING_EXTRA


def test_without_pcscd_it_is_said_what_is_wrong() -> None:
    with pytest.raises(ReaderError, match="prcard doctor") as down:
        open_any("pcsc:")
    assert down.value.fault is ReaderFault.SERVICE_DOWN
