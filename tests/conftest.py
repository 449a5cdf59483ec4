"""Modes of the test run: short by default, long when PRCARD_LONG=1."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from prcard.simulator.pcscd import missing_parts
from prcard.simulator.vpcd import PCSCFace

LONG = os.environ.get("PRCARD_LONG") == "1"

# The short mode runs the same cases every time, so that what fails is the change; the long mode searches for new ones.
settings.register_profile(
    "short", max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("long" if LONG else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of the long mode unless it was asked for."""
    if LONG:
        return
    kept = [item for item in items if item.get_closest_marker("long") is None]
    dropped = [item for item in items if item.get_closest_marker("long") is not None]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_configure(config: pytest.Config) -> None:
    """Points PC/SC at a name of this process's own: the library asks for it once only, so it must stand from the start.

    The name leads to nothing until a test with `pcsc` makes it lead to a service of its own. No test ever sees the
    readers of the machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="prcard-tests-"))
    os.environ["PCSCLITE_CSOCK_NAME"] = str(folder / "pcscd.comm")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture
def pcsc() -> Iterator[Callable[[PCSCFace], PCSCFace]]:
    """Opens PC/SC faces, each in a pcscd of its own, so that this process and those it starts see the last of them."""
    missing = missing_parts()
    if missing:
        # Setting up installs them; where it could not, a person may go on, but CI must not pass without.
        assert not os.environ.get("CI"), f"missing: {missing}"
        pytest.skip(f"missing: {missing}; ./setup.sh dev installs them")
    name = Path(os.environ["PCSCLITE_CSOCK_NAME"])
    opened: list[PCSCFace] = []

    def serve(face: PCSCFace) -> PCSCFace:
        face.open()
        opened.append(face)
        name.unlink(missing_ok=True)
        name.symlink_to(face.socket)
        return face

    yield serve
    for face in opened:
        face.close()
    name.unlink(missing_ok=True)


class SoftToken(NamedTuple):
    """Where a token is and what opens it."""

    module: Path
    label: str
    pin: bytes
    folder: Path


def make_soft_token(folder: Path, label: str) -> SoftToken:
    """Initialises a token in `folder`, whose softhsm2.conf SOFTHSM2_CONF must name."""
    (folder / "tokens").mkdir(exist_ok=True)
    configuration = f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (folder / "softhsm2.conf").write_text(configuration, encoding="ascii")
    pin = b"pin-4711-of-token"
    command = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        label,
        "--pin",
        pin.decode(),
        "--so-pin",
        "0815-0815",
    ]
    environment = {**os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    listing = subprocess.run(["dpkg", "-L", "libsofthsm2"], check=True, capture_output=True, text=True).stdout
    module = next(line for line in listing.splitlines() if line.endswith("/softhsm/libsofthsm2.so"))
    return SoftToken(Path(module), label, pin, folder)


@pytest.fixture(scope="session")
def soft_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """A real PKCS#11 token made of software, one for each process that runs tests; also for its children."""
    folder = tmp_path_factory.mktemp("softhsm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield make_soft_token(folder, "issuer")


@pytest.fixture(scope="session")
def make_token() -> Callable[[Path, str], SoftToken]:
    """Initialises a token of your own; SOFTHSM2_CONF must lead to it in the process that uses it."""
    return make_soft_token
