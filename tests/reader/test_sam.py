"""A SAM_V reader on every channel: the same bytes, the same errors, within the time asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from prcard.errors import LocalWireError, ReaderError, ReaderFault
from prcard.reader.channel import Channel
from prcard.reader.network import open_tcp, open_udp
from prcard.reader.sam import SAMReader
from prcard.reader.serial import open_channel as open_serial
from prcard.record.raw import ManagementNumbers, RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.server import Server
from prcard.wire.codes import Status
from prcard.wire.frame import Frame
from prcard.wire.procedure import ReadOptions

CARD = RawCard(
    text=b"t" * 256,
    photo=b"p" * 1024,
    fingerprint=b"C" + b"f" * 1023,
    extra=(b"a" * 70,),
    management=ManagementNumbers(iin=b"IIIN", sn=b"S" * 8, dn=b"D" * 16),
)
EVERYTHING = ReadOptions(fingerprint=True, extra=True, management=True)


@pytest.fixture
def virtual() -> VirtualReader:
    return VirtualReader()


@pytest.fixture(params=["sim", "serial", "tcp", "udp"])
def channel(request: pytest.FixtureRequest, virtual: VirtualReader) -> Iterator[Channel]:
    if request.param == "sim":
        yield InProcessChannel(virtual.line())
        return
    face = {"serial": PtyFace, "tcp": TCPFace, "udp": UDPFace}[request.param]()
    with Server(virtual, [face]):
        openers: dict[str, Callable[[str], Channel]] = {"serial": open_serial, "tcp": open_tcp, "udp": open_udp}
        yield openers[request.param](face.uri.partition(":")[2])


def fault_of(call: Callable[[], object]) -> ReaderFault:
    with pytest.raises(ReaderError) as error:
        call()
    assert error.value.advice
    return error.value.fault


def test_contract_everything_is_read(channel: Channel, virtual: VirtualReader) -> None:
    virtual.insert(CARD)
    with SAMReader(channel, uri="x:y", transport="x") as reader:
        raw = reader.read(5, EVERYTHING)
    assert replace(raw, provenance=CARD.provenance) == CARD
    assert raw.provenance.reader == "x:y"
    assert raw.provenance.sam_id == "99.99-20000101-0000000000-0000000000"
    assert raw.provenance.simulated
    assert raw.provenance.read_at is not None
    assert raw.provenance.read_at.tzinfo is not None


def test_contract_a_holders_fingerprint_is_not_kept_unasked(channel: Channel, virtual: VirtualReader) -> None:
    virtual.insert(CARD)
    with SAMReader(channel) as reader:
        raw = reader.read(5)
    assert (raw.text, raw.photo) == (CARD.text, CARD.photo)
    assert (raw.fingerprint, raw.extra, raw.management) == (b"", (), None)


def test_contract_each_card_is_read_once(channel: Channel, virtual: VirtualReader) -> None:
    virtual.insert(CARD)
    with SAMReader(channel) as reader:
        reader.read(5)
        assert fault_of(lambda: reader.read(0.7)) is ReaderFault.NO_CARD
        virtual.insert(replace(CARD, text=b"u" * 256))
        assert reader.read(5).text == b"u" * 256


def test_contract_no_card_in_time(channel: Channel) -> None:
    with SAMReader(channel) as reader:
        start = time.monotonic()
        assert fault_of(lambda: reader.read(0.5)) is ReaderFault.NO_CARD
        assert time.monotonic() - start >= 0.5


def test_contract_a_card_laid_down_later_is_seen(channel: Channel, virtual: VirtualReader) -> None:
    with SAMReader(channel) as reader:
        threading.Timer(0.1, virtual.insert, (CARD,)).start()
        assert reader.read(10).text == CARD.text


def test_a_reader_that_reads_again_is_still_read_once_per_presence() -> None:
    virtual = VirtualReader(read_once=False)
    virtual.insert(CARD)
    with SAMReader(InProcessChannel(virtual.line())) as reader:
        reader.read(5)
        assert fault_of(lambda: reader.read(0.7)) is ReaderFault.CARD_NOT_LIFTED
        threading.Timer(0.1, virtual.remove).start()
        threading.Timer(0.6, virtual.insert, (CARD,)).start()
        assert reader.read(10).text == CARD.text


@pytest.mark.parametrize("timeout_s", [0, -1.0])
def test_time_must_be_more_than_none(timeout_s: float, virtual: VirtualReader) -> None:
    with SAMReader(InProcessChannel(virtual.line())) as reader, pytest.raises(LocalWireError):
        reader.read(timeout_s)


def test_the_speed_of_the_line_is_searched(virtual: VirtualReader) -> None:
    virtual.baud = 38400
    virtual.insert(CARD)
    face = PtyFace(virtual)
    with Server(virtual, [face]), SAMReader(open_serial(face.uri.partition(":")[2])) as reader:
        assert reader.baud == 38400
        assert reader.read(5).text == CARD.text


def test_a_wrong_speed_that_was_fixed_is_silence(virtual: VirtualReader) -> None:
    face = PtyFace(virtual)
    with Server(virtual, [face]):
        channel = open_serial(f"{face.uri.partition(':')[2]}?baud=9600")
        assert fault_of(lambda: SAMReader(channel)) is ReaderFault.SILENT


class Trouble:
    """A channel that does to each piece from the reader what `bend` says."""

    def __init__(self, virtual: VirtualReader, bend: Callable[[bytes], bytes]) -> None:
        self.inner = InProcessChannel(virtual.line())
        self.bend = bend
        self.closed = False

    def write(self, data: bytes) -> None:
        self.inner.write(data)

    def read(self, timeout_s: float) -> bytes:
        data = self.inner.read(timeout_s)
        return self.bend(data) if data else b""

    def close(self) -> None:
        self.closed = True
        self.inner.close()


def straight(data: bytes) -> bytes:
    return data


def test_noise_before_a_reply_is_survived(virtual: VirtualReader) -> None:
    virtual.insert(CARD)
    channel = Trouble(virtual, lambda data: b"\xaa\xaa\xaa\x96\x00noise\xaa" + data)
    with SAMReader(channel) as reader:
        assert reader.read(5).text == CARD.text


def test_one_flipped_bit_is_survived_in_every_reply(virtual: VirtualReader) -> None:
    virtual.insert(CARD)
    turn = [0]

    def bend(data: bytes) -> bytes:
        turn[0] += 1
        return data[:-2] + bytes((data[-2] ^ 1,)) + data[-1:] if turn[0] % 2 else data

    with SAMReader(Trouble(virtual, bend)) as reader:
        raw = reader.read(10, EVERYTHING)
    assert replace(raw, provenance=CARD.provenance) == CARD


@pytest.mark.parametrize(
    ("bend", "fault"),
    [
        (lambda _: b"", ReaderFault.SILENT),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", ReaderFault.GARBAGE),
        (lambda data: data[:-1] + bytes((data[-1] ^ 0xFF,)), ReaderFault.GARBAGE),
        (lambda data: data[:9], ReaderFault.GARBAGE),
        (lambda _: b"\xaa\xaa\xaa\x96\x69\xff\xff", ReaderFault.GARBAGE),
        (lambda _: bytes(60_000), ReaderFault.GARBAGE),
        (lambda _: Frame.reply(Status.DONE, bytes(8)).serialize(), ReaderFault.GARBAGE),
    ],
)
def test_a_reader_that_makes_no_sense_is_given_up(
    bend: Callable[[bytes], bytes], fault: ReaderFault, virtual: VirtualReader
) -> None:
    channel = Trouble(virtual, bend)
    assert fault_of(lambda: SAMReader(channel)) is fault
    assert channel.closed


@pytest.mark.parametrize("bend", [lambda _: b"", lambda _: b"garbage" * 100])
def test_a_reader_that_fails_later_is_given_up_in_time(bend: Callable[[bytes], bytes], virtual: VirtualReader) -> None:
    channel = Trouble(virtual, straight)
    with SAMReader(channel) as reader:
        channel.bend = bend
        start = time.monotonic()
        assert fault_of(lambda: reader.read(1.0)) in {ReaderFault.SILENT, ReaderFault.GARBAGE}
        assert time.monotonic() - start < 5


def test_replies_that_all_come_one_request_late_never_mix(virtual: VirtualReader) -> None:
    virtual.insert(CARD)
    late: list[bytes] = []

    def bend(data: bytes) -> bytes:
        late.append(data)
        return late.pop(0) if len(late) > 1 else b""

    channel = Trouble(virtual, straight)
    with SAMReader(channel) as reader:
        channel.bend = bend
        raw = reader.read(10, EVERYTHING)
    assert replace(raw, provenance=CARD.provenance) == CARD


def test_a_reader_that_vanishes_is_lost(virtual: VirtualReader) -> None:
    face = PtyFace()
    server = Server(virtual, [face]).start()
    reader = SAMReader(open_serial(face.uri.partition(":")[2]))
    threading.Timer(0.3, server.stop).start()
    assert fault_of(lambda: reader.read(20)) is ReaderFault.LOST
    reader.close()


def test_close_from_another_thread_ends_a_reading(virtual: VirtualReader) -> None:
    reader = SAMReader(InProcessChannel(virtual.line()))
    threading.Timer(0.2, reader.close).start()
    assert fault_of(lambda: reader.read(30)) is ReaderFault.LOST


def test_one_thread_reads_at_a_time(virtual: VirtualReader) -> None:
    with SAMReader(InProcessChannel(virtual.line())) as reader:
        reading = threading.Event()
        plain = reader._carry_out

        def tell(step: object) -> object:
            reading.set()
            return plain(step)  # type: ignore[arg-type]  # passed on as it came

        reader._carry_out = tell  # type: ignore[method-assign,assignment]  # to await the first step
        thread = threading.Thread(target=lambda: fault_of(lambda: reader.read(1.0)))
        thread.start()
        assert reading.wait(5)
        assert fault_of(lambda: reader.read(1.0)) is ReaderFault.BUSY
        thread.join()


def test_the_sim_kind_is_simulated_whatever_its_sam_says(virtual: VirtualReader) -> None:
    reader = SAMReader(InProcessChannel(VirtualReader(sam_id=bytes(16)).line()), simulated=True)
    assert reader.simulated
    assert not SAMReader(InProcessChannel(VirtualReader(sam_id=bytes(16)).line())).simulated


class LateChannel:
    """A reader whose every reply comes `late_s` after its request, in order."""

    def __init__(self, virtual: VirtualReader, late_s: float) -> None:
        self._line = virtual.line()
        self._late_s = late_s
        self._due: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        now = time.monotonic()
        if reply := self._line.receive(data, now):
            self._due.append((now + self._late_s, reply))

    def read(self, timeout_s: float) -> bytes:
        end = time.monotonic() + timeout_s
        wake = min(self._due[0][0], end) if self._due else end
        time.sleep(max(wake - time.monotonic(), 0))
        return self._due.pop(0)[1] if self._due and self._due[0][0] <= time.monotonic() else b""

    def close(self) -> None:
        pass


@pytest.mark.parametrize("late_s", [0.7, 1.1])
def test_a_reader_that_answers_late_is_read_all_the_same(virtual: VirtualReader, late_s: float) -> None:
    virtual.insert(CARD)
    with SAMReader(LateChannel(virtual, late_s)) as reader:
        assert reader.sam_id == "99.99-20000101-0000000000-0000000000"
        assert reader.read(15).text == CARD.text


class Flood:
    """A line on which bytes never end."""

    def __init__(self, noise: bytes) -> None:
        self.noise = noise

    def write(self, data: bytes) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        return self.noise

    def close(self) -> None:
        pass


@pytest.mark.parametrize("noise", [b"\xaa" * 4096, bytes(4096), Frame.reply(Status.DONE, b"1").serialize() * 100])
def test_noise_without_end_does_not_stretch_the_wait(noise: bytes) -> None:
    # Three tries of a status request and the pauses behind them: 3.4 s in all, however much arrives meanwhile.
    start = time.monotonic()
    assert fault_of(lambda: SAMReader(Flood(noise))) is ReaderFault.GARBAGE
    assert time.monotonic() - start < 10
