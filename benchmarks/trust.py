"""Signing and verifying beside the bare operation and beside `openssl speed`, all on P-256 and in the same rounds.

Cards of text and photo are made from a seed: 1,024 different ones, signed in different seconds, so that no memory of
past values flatters. What is judged is a whole verification, all six checks; what is signed is measured without and
with the verification that every security object passes before it is handed out.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from prcard.acceptance.rules import record_problems
from prcard.record import decode
from prcard.simulator.specimens import specimen
from prcard.trust.batch import GROUP, BatchSigner, BatchVerifier
from prcard.trust.certificates import IssuerProfile, issue_crl, issue_csca, issue_signer, request_signer
from prcard.trust.material import TrustMaterial, load_material
from prcard.trust.merkle import MerkleTree, build_checkpoint
from prcard.trust.security_object import StatusReference, parse_security_object
from prcard.trust.signer import InMemorySigner
from prcard.trust.status_list import CardStatus, build_status_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from multiprocessing.connection import Connection

    from cryptography import x509

COUNT = 1024
CHUNK = 512
"""Operations of one contestant before the next has its turn, so that all see the same machine."""
MERKLE_SIZES = (1024, 16_384, 100_000)
PARALLEL_TIMES = 6
OPENSSL_PARALLEL_LEAST = 1.85

_START = datetime(2026, 1, 5, tzinfo=UTC)
_JUDGED = _START + timedelta(days=60)
_ECDSA = ec.ECDSA(hashes.SHA256())

Card = tuple[dict[str, bytes], bytes]
_Contestant = tuple["Callable[[Any], object]", "Sequence[tuple[Any, ...]]"]
"""What runs through many items, and the items."""


def run(rounds: int) -> list[dict[str, Any]]:
    """Runs all contests; each ratio is the median of the ratios of the rounds."""
    world = _World()
    return [
        *_single(world, rounds),
        *_with_fingerprint(rounds),
        *_shares(world, rounds),
        *(_merkle(world, size, rounds if size < 20_000 else min(rounds, 5)) for size in MERKLE_SIZES),
        _two_processes(world, min(rounds, 9)),
    ]


class _World:
    """A TEST ONLY issuer and its cards."""

    def __init__(self, *, fingerprint: bool = False) -> None:
        profile = IssuerProfile(
            country="UT",
            country_alpha3="UTO",
            organization="TEST ONLY Issuer of Utopia",
            email="test-only@issuer.invalid",
            crl_uri="http://issuer.invalid/test-only.crl",
        )
        csca_key = _key("csca")
        csca = issue_csca(profile, csca_key, common_name="TEST ONLY CSCA", serial=1, not_before=_START)

        def signer(name: str, serial: int, kind: str) -> InMemorySigner:
            request = request_signer(profile, _key(name), common_name=f"TEST ONLY {name}")
            certificate = issue_signer(
                profile, request, csca, csca_key, serial=serial, not_before=_START, document_types=(kind,)
            )
            return InMemorySigner(_key(name), certificate)

        self.key, self.signer = _key("dsc"), signer("dsc", 2, "IR")
        self.material = _material(csca, csca_key, signer("status", 3, "SL"))
        self.cards = self._cards(fingerprint=fingerprint)

    def _cards(self, *, fingerprint: bool) -> list[Card]:
        source, batch = random.Random("cards"), BatchSigner(self.signer)
        text = specimen("alice").card().text
        cards = []
        for number in range(COUNT):
            zones = {"text": text, "photo": source.randbytes(1024)}
            if fingerprint:
                zones["fingerprint"] = b"C" + source.randbytes(1023)
            moment = _START + timedelta(seconds=source.randrange(50 * 86_400))
            cards.append((zones, batch.build(zones, moment, StatusReference(1, number))))
        return cards


def _material(csca: x509.Certificate, csca_key: ec.EllipticCurvePrivateKey, lister: InMemorySigner) -> TrustMaterial:
    from cryptography.hazmat.primitives.serialization import Encoding

    end = _JUDGED + timedelta(days=7)
    begin = _JUDGED - timedelta(days=1)
    crl = issue_crl(csca, csca_key, number=1, this_update=begin, next_update=end, revoked={})
    listed = {number + COUNT: CardStatus.REVOKED for number in range(0, 1_000_000 - COUNT, 100)}
    statuses = build_status_list(
        listed, lister, list_id=1, number=1, entries=1_000_000, bits=2, this_update=begin, next_update=end
    )
    return load_material(
        [csca.public_bytes(Encoding.DER)], crls=[crl.public_bytes(Encoding.DER)], status_lists=[statuses]
    )


def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(
        int.from_bytes(sha256(f"TEST ONLY {name}".encode()).digest(), "big") >> 1, ec.SECP256R1()
    )


# --- One process: verify and sign beside the bare operation ---


def _single(world: _World, rounds: int) -> list[dict[str, Any]]:
    public, private, signer = world.key.public_key(), world.key, BatchSigner(world.signer)
    verifier = _taught(world)
    messages = [parse_security_object(data).message for _, data in world.cards]
    moments = [message.signing_time for message in messages]
    to_sign = _to_sign(world, moments)
    contestants: dict[str, _Contestant] = {
        "verify": (lambda cards: _all(verifier.judge(cards)), world.cards),
        "verify one by one": (lambda cards: _all(verifier.in_order(*card) for card in cards), world.cards),
        "strict verify": (_each(verifier.verify), world.cards),
        "raw verify": (_each(public.verify), [(item.signature, item.signed_bytes, _ECDSA) for item in messages]),
        "sign": (lambda cards: _make_in_groups(signer, cards), to_sign),
        "sign and check": (lambda cards: list(signer.build_all(cards)), to_sign),
        "raw sign": (_each(private.sign), [(item.signed_bytes, _ECDSA) for item in messages]),
    }
    times, openssl = _race(contestants, rounds)
    whole = [one + two for one, two in zip(times["raw sign"], times["raw verify"], strict=True)]
    rate = [1e6 / value for value in times["verify"]]
    against_openssl = statistics.median(mine / theirs for mine, theirs in zip(rate, openssl, strict=True))
    name, raw = "SOD verify in a batch, all six checks, DSC cached", times["raw verify"]
    base = f"openssl speed ecdsap256, {statistics.median(openssl):,.0f} verify/s"
    return [
        _row(name, times["verify"], raw, "raw public_key.verify", 0.90),
        _result(name, statistics.median(rate), "1/s", against_openssl, base, 0.85),
        _row("the same one by one", times["verify one by one"], raw, "raw public_key.verify", None),
        _row("the same the strict way, with all evidence", times["strict verify"], raw, "raw public_key.verify", None),
        _row(
            "SOD signing in a batch, before it is verified",
            times["sign"],
            times["raw sign"],
            "raw private_key.sign",
            0.75,
        ),
        _row(
            "SOD signed and verified, as it is handed out",
            times["sign and check"],
            whole,
            "raw sign + raw verify",
            None,
        ),
    ]


def _with_fingerprint(rounds: int) -> list[dict[str, Any]]:
    """The same for cards with a fingerprint zone, a kilobyte more to hash; for comparison, without a target."""
    verify, *_, sign, _ = _single(_World(fingerprint=True), rounds)
    return [
        {**row, "name": f"{row['name']}; with a fingerprint zone", "target": None, "holds": True}
        for row in (verify, sign)
    ]


def _make_in_groups(signer: BatchSigner, cards: Sequence[tuple[Any, ...]]) -> None:
    """Makes security objects in the groups that `build_all` takes, without verifying them: only a benchmark may."""
    for start in range(0, len(cards), GROUP):
        signer._make(cards[start : start + GROUP])


def _all(outcomes: Iterable[bool]) -> None:
    if not all(outcomes):
        raise SystemExit("a card that was made is not in order")


def _each(call: Callable[..., Any]) -> Callable[[Sequence[tuple[Any, ...]]], None]:
    def run_all(items: Sequence[tuple[Any, ...]]) -> None:
        for item in items:
            call(*item)

    return run_all


def _taught(world: _World) -> BatchVerifier:
    """A verifier that has seen each length of signature."""
    verifier = BatchVerifier(world.material, _JUDGED, allow_test_issuers=True)
    if not all(verifier.in_order(*card) for card in world.cards):
        raise SystemExit("a card that was made is not in order")
    if not all(verifier.looks_in_order(*card) for card in world.cards):
        raise SystemExit("a card did not go the short way")
    return verifier


def _to_sign(world: _World, moments: Sequence[datetime]) -> list[tuple[Any, ...]]:
    """What a batch signs: one moment for each hundred cards, which is a few milliseconds' work."""
    return [
        (zones, moments[number - number % 100], StatusReference(1, number))
        for number, (zones, _) in enumerate(world.cards)
    ]


def _race(contestants: dict[str, _Contestant], rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Gives microseconds for each item by contestant, and openssl's verifications a second, one figure a round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    openssl = []
    for turn in range(rounds + 1):
        spent = dict.fromkeys(contestants, 0.0)
        for start in range(0, COUNT, CHUNK):
            for name, (call, items) in contestants.items():
                spent[name] += _time(call, items[start : start + CHUNK])
        if turn:
            for name, value in spent.items():
                times[name].append(value / COUNT * 1e6)
            openssl.append(_openssl_verify_rate())
    return times, openssl


def _time(call: Callable[[Sequence[tuple[Any, ...]]], object], items: Sequence[tuple[Any, ...]]) -> float:
    start = time.perf_counter()
    call(items)
    return time.perf_counter() - start


def _openssl_verify_rate(processes: int = 1) -> float:
    """Verifications a second by `openssl speed` itself."""
    command = ["openssl", "speed", "-mr", "-seconds", "1"]
    command += ["-multi", str(processes)] if processes > 1 else []
    done = subprocess.run([*command, "ecdsap256"], capture_output=True, text=True, check=True, timeout=60)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("+F4:")]
    return float(line.split(":")[4])


# --- The share of everything but the signature ---


def _shares(world: _World, rounds: int) -> list[dict[str, Any]]:
    """The codec's part in a full verification: strict, with the evidence of all checks, and by the short way."""
    verifier = _taught(world)
    ways: dict[str, Callable[[Sequence[tuple[Any, ...]]], None]] = {
        "with the evidence of all checks": _each(verifier.verify),
        "by the short way, which keeps none": lambda cards: _all(verifier.judge(cards)),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            spent[name].append((_time(_judge_records, world.cards), _time(way, world.cards)))
    rows = []
    for name, target in zip(ways, (0.05, None), strict=True):
        share = statistics.median(codec / (codec + rest) for codec, rest in spent[name][1:])
        rows.append(
            {
                "name": f"codec and record checks within a full verify {name}",
                "median": statistics.median(codec + rest for codec, rest in spent[name][1:]) / COUNT * 1e6,
                "unit": "µs",
                "ratio": share,
                "base": "codec, record checks, all six signature checks",
                "target": None if target is None else f"≤ {target:g}",
                "holds": target is None or share <= target,
            }
        )
    return rows


def _judge_records(cards: Sequence[tuple[Any, ...]]) -> None:
    for zones, _ in cards:
        record_problems(decode(zones["text"]))


# --- One signature for a batch ---


def _merkle(world: _World, size: int, rounds: int) -> dict[str, Any]:
    entries = [
        data + number.to_bytes(4, "big") for number, (_, data) in zip(range(size), cycle(world.cards), strict=False)
    ]
    signed = parse_security_object(world.cards[0][1]).message.signed_bytes
    ratios, times = [], []
    for turn in range(rounds + 1):
        start = time.perf_counter()
        tree = MerkleTree(entries)
        build_checkpoint(tree, world.signer, origin="TEST ONLY log", signing_time=_START)
        proofs = tree.inclusion_proofs()
        mine = (time.perf_counter() - start) / size
        direct = _time(_each(world.key.sign), [(signed, _ECDSA)] * COUNT) / COUNT
        if len(proofs) != size:
            raise SystemExit("a proof is missing")
        if turn:
            ratios.append(direct / mine)
            times.append(mine * 1e6)
    return _result(
        f"Merkle log of {size:,}: tree, signed root, all proofs, for each record",
        statistics.median(times),
        "µs",
        statistics.median(ratios),
        "raw sign of each",
        7.0,
    )


# --- Two processes ---


def _two_processes(world: _World, rounds: int) -> dict[str, Any]:
    """Twice the work by two processes beside once the work by one; judged where openssl itself finds two cores."""
    context = get_context("fork")  # a benchmark is loaded by its path, so a fresh interpreter could not import it
    pipes = [context.Pipe() for _ in range(2)]
    workers = [context.Process(target=_serve, args=(there, world), daemon=True) for _, there in pipes]
    here = [pipe for pipe, _ in pipes]
    for worker in workers:
        worker.start()
    _wall(here)
    ratios, gains, rates = [], [], []
    for _ in range(rounds):
        gains.append(_openssl_verify_rate(2) / _openssl_verify_rate())
        one_s, two_s = _wall(here[:1]), _wall(here)
        ratios.append(2 * one_s / two_s)
        rates.append(2 * COUNT * PARALLEL_TIMES / two_s)
    for pipe, worker in zip(here, workers, strict=True):
        pipe.close()
        worker.terminate()
    fair = [ratio for ratio, gain in zip(ratios, gains, strict=True) if gain >= OPENSSL_PARALLEL_LEAST]
    gain = statistics.median(gains)
    name, base = "SOD verify by two processes", f"one process; openssl speed -multi 2 gave {gain:.2f} ×"
    if not fair:
        row = _result(name, statistics.median(rates), "1/s", statistics.median(ratios), base, None)
        return row | {"target": f"≥ 1.75 ×, not judged: openssl itself never gave {OPENSSL_PARALLEL_LEAST} × here"}
    return _result(name, statistics.median(rates), "1/s", statistics.median(fair), base, 1.75)


def _serve(pipe: Connection, world: _World) -> None:
    verifier = _taught(world)
    while True:
        times = pipe.recv()
        pipe.send(sum(sum(verifier.judge(world.cards)) for _ in range(times)))


def _wall(pipes: Sequence[Connection]) -> float:
    """Seconds until each process has verified all cards PARALLEL_TIMES times."""
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send(PARALLEL_TIMES)
    if any(pipe.recv() != COUNT * PARALLEL_TIMES for pipe in pipes):
        raise SystemExit("a card that was made is not in order")
    return time.perf_counter() - start


# --- Rows ---


def _row(name: str, mine: Sequence[float], theirs: Sequence[float], base: str, target: float | None) -> dict[str, Any]:
    """A row in microseconds whose ratio is theirs : mine, so that 1 is as quick as the base."""
    ratio = statistics.median(other / own for own, other in zip(mine, theirs, strict=True))
    return _result(name, statistics.median(mine), "µs", ratio, base, target)


def _result(name: str, median: float, unit: str, ratio: float, base: str, target: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "median": median,
        "unit": unit,
        "ratio": ratio,
        "base": base,
        "target": None if target is None else f"≥ {target:g} ×",
        "holds": target is None or ratio >= target,
    }
