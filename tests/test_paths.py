"""Every way to a card gives the same card: zones, verdict, and the signature where the way can carry it.

Ten specimens, signed by an issuer of this run, over serial, TCP, UDP, USB (software bus), in process, pyscard in
process, and a real pcscd.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prcard.acceptance.verdict import Verdict
from prcard.acceptance.verify import verify
from prcard.reader import usb
from prcard.reader.sam import SAMReader
from prcard.reader.uri import Reader, open_reader
from prcard.record.raw import Provenance, RawCard
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace, TCPFace, UDPFace
from prcard.simulator.inprocess import InProcessChannel
from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.pyscard import NAME, VirtualPyscardReader, installed
from prcard.simulator.server import Face, Server
from prcard.simulator.specimens import SPECIMENS, Specimen
from prcard.simulator.usb import SoftwareUSB
from prcard.simulator.vpcd import PCSCFace
from prcard.store.profiles import load_profile
from prcard.trust.compact import find_security_object
from prcard.trust.material import TrustMaterial, load_material
from prcard.wire.procedure import ReadOptions

NOW = datetime.now(UTC)
EVERYTHING = ReadOptions(fingerprint=True, extra=True)
PATHS = ("sim", "serial", "tcp", "udp", "usb", "pyscard", "pcscd")
CARRY_EVERY_SIGNATURE = ("pyscard", "pcscd")
"""The others carry one in an empty fingerprint zone only; a holder's own fingerprint leaves no room for it."""


@dataclass(frozen=True)
class Way:
    name: str
    virtual: VirtualReader
    reader: Reader


@pytest.fixture(scope="module")
def issuer() -> SpecimenIssuer:
    return SpecimenIssuer(NOW)


@pytest.fixture(scope="module")
def trust(issuer: SpecimenIssuer) -> TrustMaterial:
    return load_material([issuer.csca], signers=[issuer.dsc], crls=[issuer.crl], status_lists=[issuer.status_list])


@contextlib.contextmanager
def served(face: Face, virtual: VirtualReader) -> Iterator[str]:
    with Server(virtual, [face]):
        yield face.uri


@pytest.fixture(params=PATHS)
def way(
    request: pytest.FixtureRequest, pcsc: Callable[[PCSCFace], PCSCFace], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Way]:
    name, virtual = request.param, VirtualReader()
    with contextlib.ExitStack() as stack:
        reader: Reader
        if name == "sim":
            reader = stack.enter_context(SAMReader(InProcessChannel(virtual.line()), simulated=True))
        elif name == "usb":
            bus = SoftwareUSB(virtual)
            monkeypatch.setattr(usb, "backend", lambda: bus)
            reader = stack.enter_context(open_reader("usb:"))
        elif name == "pyscard":
            stack.enter_context(installed(VirtualPyscardReader(virtual)))
            reader = stack.enter_context(open_reader(f"pcsc:{NAME}"))
        elif name == "pcscd":
            reader = stack.enter_context(open_reader(pcsc(PCSCFace(virtual, swap_s=0.45)).uri))
        else:
            face: Face = {"serial": PtyFace, "tcp": TCPFace, "udp": UDPFace}[name]()
            reader = stack.enter_context(open_reader(stack.enter_context(served(face, virtual))))
        yield Way(name, virtual, reader)


def judge(raw: RawCard, trust: TrustMaterial) -> Verdict:
    return verify(raw, load_profile("training"), NOW, trust)


def essence(verdict: Verdict, *, signature: bool) -> list[tuple[str, str]]:
    """Codes and results of all checks; those of a signature only where the path carries it."""
    return [
        (check.code, check.outcome.value) for check in verdict.checks if signature or check.number < SIGNATURE_CHECKS
    ]


SIGNATURE_CHECKS = 11


@pytest.mark.parametrize("entry", SPECIMENS, ids=[entry.name for entry in SPECIMENS])
def test_every_specimen_on_every_way(way: Way, entry: Specimen, issuer: SpecimenIssuer, trust: TrustMaterial) -> None:
    signed, _ = issuer.issue(entry.card())
    way.virtual.insert(signed, entry.name)
    raw = way.reader.read(10, EVERYTHING)
    expected_zones, expected_signature = find_security_object(signed)
    carried = way.name in CARRY_EVERY_SIGNATURE or signed.security_object is None
    zones, signature = find_security_object(raw)
    assert zones == expected_zones
    assert signature == (expected_signature if carried else None)
    assert raw.provenance.simulated
    ideal = replace(signed, provenance=Provenance(transport="sim", simulated=True, read_at=NOW))
    assert essence(judge(raw, trust), signature=carried) == essence(judge(ideal, trust), signature=carried)
    if carried:
        assert judge(raw, trust).outcome is judge(ideal, trust).outcome


WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"smartcard", "usb", "serial"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from prcard.cli.main import main
main(sys.argv[1:])
"""


def without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a Python that has no pyscard, pyusb or pyserial."""
    command = [sys.executable, "-c", WITHOUT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("read", "--reader", "pcsc:ACR"), 4, "prcard[pcsc]"),
        (("read", "--reader", "usb:"), 4, "prcard[usb]"),
        (("read", "--reader", "serial:/dev/null"), 4, "prcard[serial]"),
        (("watch", "--reader", "pcsc:"), 4, "prcard[pcsc]"),
        (("watch", "--reader", "usb:"), 4, "prcard[usb]"),
        (("readers",), 0, "sim:alice"),
        (("doctor",), 0, ""),
        (("read", "--reader", "sim:alice", "--profile", "training"), 0, ""),
        (("watch", "--reader", "sim:alice", "--count", "2"), 0, ""),
    ],
)
def test_without_the_extras_everything_else_works(arguments: tuple[str, ...], code: int, says: str) -> None:
    done = without_extras(*arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr


def test_a_virtual_pcsc_reader_is_served_without_pyscard(pcsc: Callable[[PCSCFace], PCSCFace]) -> None:
    """Serving needs pcscd, reading needs pyscard: one machine may have the one and not the other."""
    pcsc(PCSCFace(VirtualReader()))
    command = [
        sys.executable,
        "-c",
        WITHOUT,
        "simulate",
        "--face",
        "pcsc",
        "--face",
        "tcp",
        "--card",
        "alice",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert '"face": "pcsc"' in process.stdout.readline()
        process.terminate()
        assert process.wait(20) == 0


def test_the_list_of_ways_is_that_of_the_readme() -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    assert [word for word in ("pcsc:", "usb:", "serial:", "sim:") if word not in readme] == []
