"""The count of a key: never too low, whoever crashes, forks or shares the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from prcard.errors import TrustError
from prcard.keys.count import SignatureCount, count_document


@pytest.fixture
def make(tmp_path: Path, issuer: Any) -> Callable[..., SignatureCount]:
    path = tmp_path / "dsc.count"

    def count(budget: int = 10, block: int = 1) -> SignatureCount:
        if not path.exists():
            path.write_bytes(count_document(issuer.dsc, budget=budget))
        return SignatureCount(path, issuer.dsc, block=block)

    return count


def test_a_restart_goes_on_where_it_stopped(make: Callable[..., SignatureCount]) -> None:
    for used in range(1, 4):
        count = make(budget=3)
        count.reserve()
        assert count.read() == (used, 3)
    with pytest.raises(TrustError, match="3 signatures, 3 made") as caught:
        make().reserve()
    assert caught.value.reason == "budget-spent"


def test_a_block_is_counted_before_it_is_used_and_its_rest_is_given_back(make: Callable[..., SignatureCount]) -> None:
    count = make(budget=10, block=4)
    count.reserve()
    assert count.read() == (4, 10)
    count.close()
    count.close()
    assert count.read() == (1, 10)
    for _ in range(9):
        count.reserve()
    with pytest.raises(TrustError):
        count.reserve()
    assert count.read() == (10, 10)


CRASHING = """
import sys, os, signal
from pathlib import Path
from cryptography.x509 import load_der_x509_certificate
from prcard.keys.count import SignatureCount
certificate = load_der_x509_certificate(Path(sys.argv[2]).read_bytes())
count = SignatureCount(Path(sys.argv[1]), certificate, block=int(sys.argv[3]))
for number in range(int(sys.argv[4])):
    count.reserve()
    os.write(1, b"s")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("block", "made", "counted"), [(1, 3, 3), (5, 3, 5), (5, 5, 5), (5, 6, 10)])
def test_a_killed_process_leaves_no_signature_uncounted(
    block: int, made: int, counted: int, make: Callable[..., SignatureCount], issuer: Any, tmp_path: Path
) -> None:
    count = make(budget=100)
    (tmp_path / "dsc.der").write_bytes(issuer.dsc.public_bytes(Encoding.DER))
    arguments = [str(tmp_path / "dsc.count"), str(tmp_path / "dsc.der"), str(block), str(made)]
    done = subprocess.run([sys.executable, "-c", CRASHING, *arguments], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(done.stdout) == made
    assert count.read() == (counted, 100)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_processes_and_threads_share_it_without_losing_one(make: Callable[..., SignatureCount]) -> None:
    shared = make(budget=1000, block=3)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            for _ in range(20):
                shared.reserve()
            shared.close()
            os._exit(0)
        children.append(child)

    def work() -> None:
        for _ in range(20):
            shared.reserve()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    shared.close()
    assert shared.read() == (100, 1000)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_block_reserved_before_a_fork_stays_with_the_parent(make: Callable[..., SignatureCount]) -> None:
    count = make(budget=100, block=10)
    count.reserve()
    child = os.fork()
    if child == 0:
        count.reserve()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert count.read() == (20, 100)


def test_a_lost_or_damaged_count_is_never_taken_for_none(
    make: Callable[..., SignatureCount], tmp_path: Path, certify: Any, issuer: Any
) -> None:
    count, path = make(), tmp_path / "dsc.count"
    whole = path.read_bytes()
    document = json.loads(whole)
    bad = [b"", b"rubbish", whole[:-1], whole + b" ", b"null".ljust(256)]
    changes: list[dict[str, Any]] = [{"used": -1}, {"used": 11}, {"used": True}, {"budget": "10"}, {"version": 2}]
    bad += [json.dumps(document | change).encode().ljust(255) + b"\n" for change in changes]
    for data in bad:
        path.write_bytes(data)
        with pytest.raises(TrustError) as caught:
            count.reserve()
        assert caught.value.reason == "count-malformed", data
    path.write_bytes(count_document(certify(issuer.csca_key).dsc, budget=5))
    with pytest.raises(TrustError, match="found another's"):
        count.reserve()
    path.unlink()
    with pytest.raises(TrustError) as caught:
        count.reserve()
    assert caught.value.reason == "count-missing"
    path.mkdir()
    with pytest.raises(TrustError) as caught:
        count.reserve()
    assert caught.value.reason == "file-unusable"


@pytest.mark.parametrize(("budget", "used"), [(0, 0), (10**12 + 1, 0), (5, 6), (5, -1)])
def test_what_no_count_can_say(budget: int, used: int, issuer: Any) -> None:
    with pytest.raises(TrustError, match="budget"):
        count_document(issuer.dsc, budget, used)


def test_a_block_of_none(make: Callable[..., SignatureCount]) -> None:
    with pytest.raises(TrustError, match="block"):
        make(block=0)
