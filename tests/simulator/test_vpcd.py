"""The virtual card in a real pcscd, read by PC/SC programs that we did not write."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from prcard.reader.pcsc import PCSCReader
from prcard.record.raw import RawCard
from prcard.simulator.apdu_card import ATR
from prcard.simulator.device import VirtualReader
from prcard.simulator.server import Server
from prcard.simulator.specimens import specimen
from prcard.simulator.vpcd import PCSCFace
from prcard.wire.tlv import wrap

ALICE = replace(specimen("alice").card(), security_object=wrap(0x77, bytes(2000)))
Serve = Callable[[PCSCFace], PCSCFace]
SELECT = "00A4040008F05052434152440100"


@pytest.fixture
def virtual() -> VirtualReader:
    reader = VirtualReader()
    reader.insert(ALICE)
    return reader


@pytest.fixture
def face(pcsc: Serve, virtual: VirtualReader) -> PCSCFace:
    return pcsc(PCSCFace(virtual))


def tool(*command: str, timeout: float = 30) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def opensc_bytes(text: str) -> list[str]:
    """What opensc-tool shows as received, as hexadecimal text: data of each answer, then its status word."""
    found = []
    for part in text.split("Received ")[1:]:
        sw = "".join(re.findall(r"SW\d=0x(..)", part))
        rows = [line[:47] for line in part.splitlines()[1:] if re.match(r"[0-9A-F]{2}( [0-9A-F]{2})* ", line + " ")]
        found.append("".join(rows).replace(" ", "") + sw)
    return found


def test_opensc_tool_lists_the_readers_and_the_card(face: PCSCFace) -> None:
    listed = tool("opensc-tool", "--list-readers")
    assert re.search(r"^0 +Yes .*prcard virtual reader 00 00$", listed, re.MULTILINE)
    assert tool("opensc-tool", "--reader", "0", "-a").strip() == ATR.hex(":")


def test_opensc_tool_reads_the_text_zone(face: PCSCFace) -> None:
    sent = tool("opensc-tool", "-r", "0", "-s", SELECT, "-s", "00B0810000", "-s", "00B0820000", "-s", "00B0900000")
    answers = opensc_bytes(sent)
    assert len(answers) == 4
    assert answers[0].endswith("9000")
    # The tool shows at most 256 bytes of an answer and cuts the last rows of long ones: the beginning tells.
    assert answers[1].startswith(ALICE.text[:240].hex().upper())
    assert answers[2].startswith(ALICE.photo[:32].hex().upper())
    assert answers[3] == "6A82"


def scriptor(face: PCSCFace, folder: Path, *commands: str) -> list[str]:
    """What scriptor shows as received, as hexadecimal text without blanks."""
    script = folder / "commands"
    script.write_text("\n".join(commands) + "\n")
    shown = tool("scriptor", "-r", face.names[0], str(script))
    return ["".join(answer.split()) for answer in re.findall(r"^< (.*?) : ", shown, re.MULTILINE | re.DOTALL)]


def test_scriptor_runs_a_script(face: PCSCFace, tmp_path: Path) -> None:
    commands = [SELECT, "00 B0 81 00 10", "00 36 00 00 08", "FF CA 00 00 00", "00 20 00 00", "00 36 00 00 04"]
    answers = scriptor(face, tmp_path, *commands)
    assert [answer[-4:] for answer in answers] == ["9000", "9000", "9000", "9000", "6D00", "6C08"]
    assert answers[1] == ALICE.text[:16].hex().upper() + "9000"


def test_pcsc_scan_sees_cards_come_and_go(face: PCSCFace, virtual: VirtualReader, tmp_path: Path) -> None:
    output = tmp_path / "scan"

    def until(words: str, count: int) -> None:
        deadline = time.monotonic() + 15
        while output.read_text("utf-8", "replace").count(words) < count:
            assert time.monotonic() < deadline, output.read_text("utf-8", "replace")
            time.sleep(0.02)

    with output.open("wb") as file:
        scan = subprocess.Popen(["stdbuf", "-oL", "pcsc_scan", "-n"], stdout=file, stderr=subprocess.STDOUT)
    try:
        until("Card inserted", 1)
        virtual.remove()
        until("Event number: 2", 1)
        virtual.insert(ALICE)
        until("Card inserted", 2)
    finally:
        scan.terminate()
        scan.wait(10)
    text = output.read_text("utf-8", "replace")
    assert ATR.hex(" ").upper() in text
    assert "prcard virtual reader 00 00" in text
    assert re.search(r"Event number: 3", text)


def test_long_commands_go_through(face: PCSCFace, tmp_path: Path) -> None:
    answers = scriptor(face, tmp_path, SELECT, "00 B0 82 00 00 04 00", "00 B0 9D 00 00 00 00")
    assert ALICE.security_object is not None
    assert answers[1:] == [ALICE.photo.hex().upper() + "9000", ALICE.security_object.hex().upper() + "9000"]


def read_time_s(face: PCSCFace) -> float:
    reader = PCSCReader(face.names[0])
    reader.identify(5)
    start = time.monotonic()
    assert reader.read(20).photo == ALICE.photo
    return time.monotonic() - start


def test_a_slow_line_is_slow(pcsc: Serve, virtual: VirtualReader) -> None:
    """3.3 KB at 9600 baud and 7 commands with a delay: time-outs get something to do."""
    slow = read_time_s(pcsc(PCSCFace(virtual, byte_time_s=1 / 9600, reply_delay_s=0.02)))
    assert 0.45 < slow < 3


def test_it_is_a_face_of_the_server(pcsc: Serve, virtual: VirtualReader) -> None:
    pcsc(PCSCFace(VirtualReader()))
    face = PCSCFace(virtual)
    with Server(virtual, [face]) as server:
        assert server.uris == ["pcsc:prcard virtual reader 00 00"]
        assert Path(face.socket).is_socket()
    assert not Path(face.socket).exists()


def test_sixteen_slots(pcsc: Serve) -> None:
    cards = [RawCard(text=bytes((number,)) * 256, photo=bytes(1024)) for number in range(16)]
    readers = [VirtualReader() for _ in cards]
    for reader, card in zip(readers, cards, strict=True):
        reader.insert(card)
    face = pcsc(PCSCFace(readers))
    assert [PCSCReader(name).read(10).text[0] for name in face.names] == list(range(16))


def test_it_warns_when_others_can_reach_it(face: PCSCFace) -> None:
    for isolated in (True, False):
        face.pcscd.isolated = isolated
        assert ("firewall" in face.warning) is not isolated
