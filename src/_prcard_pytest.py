"""The pytest plugin of prcard; pytest loads it by itself wherever prcard is installed.

It lies outside the package on purpose: pytest loads plugins before coverage begins to measure, and whatever of prcard
were imported here would count as never run. So prcard is imported when a test asks for it, and not before.

    def test_my_program(virtual_reader, specimen):
        my_program.connect(virtual_reader.uri)          # tcp:127.0.0.1:PORT
        virtual_reader.insert(specimen("bob"))
        assert my_program.wait_for_card().name == "SPECIMEN, ROBERT JAMES"

Fixtures: `virtual_reader`, `virtual_card`, `specimen`, `assert_verdict`. Markers: `virtual_card(NAME)`,
`reader_fault(KIND, **keys)`, `reader_fidelity(NAME)`, `reader_face(KIND, …)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from prcard.acceptance.verdict import Verdict
    from prcard.record.raw import RawCard
    from prcard.simulator.bench import ReaderBench
    from prcard.trust.material import TrustMaterial

MARKERS = (
    "virtual_card(name): the specimen or capture file that lies on virtual_reader from the start; None for none.",
    "reader_fault(kind, **keys): a fault of virtual_reader, as in docs/reference/scenarios.md; repeat.",
    "reader_fidelity(name): the kind of reader that virtual_reader is.",
    "reader_face(kind, ...): where virtual_reader is served: serial, tcp, udp, rfc2217; tcp unless given.",
)


def pytest_configure(config: pytest.Config) -> None:
    """Makes the markers known."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture
def specimen() -> Callable[[str], RawCard]:
    """Gives the card of a specimen by its name: `specimen("alice")`."""
    from prcard.simulator.cards import load_card

    return load_card


@pytest.fixture
def virtual_card(request: pytest.FixtureRequest) -> RawCard | None:
    """The card that lies on `virtual_reader` from the start: alice, unless the marker `virtual_card` names another."""
    from prcard.simulator.cards import load_card

    name = _first(request, "virtual_card", "alice")
    return None if name is None else load_card(name)


@pytest.fixture
def virtual_reader(request: pytest.FixtureRequest, virtual_card: RawCard | None) -> Iterator[ReaderBench]:
    """A virtual reader that serves while the test runs, with `virtual_card` on it; see `ReaderBench`."""
    from prcard.simulator.bench import ReaderBench
    from prcard.simulator.faults import Fault

    faces = request.node.get_closest_marker("reader_face")
    bench = ReaderBench(
        faces=faces.args if faces else ("tcp",), fidelity=_first(request, "reader_fidelity", "plain"), seed=0
    )
    # Markers come from the nearest outwards; faults are armed in the order in which they are read.
    for mark in reversed(list(request.node.iter_markers("reader_fault"))):
        bench.reader.inject(Fault.from_document({"kind": mark.args[0], **mark.kwargs}))
    if virtual_card is not None:
        bench.insert(virtual_card, _first(request, "virtual_card", "alice"))
    with bench:
        yield bench


@pytest.fixture
def assert_verdict() -> Callable[..., Verdict]:
    """Judges a card and compares the outcome: `assert_verdict(raw, "FAILED", failed=["valid-at-moment"])`."""

    def check(
        raw: RawCard,
        outcome: str = "PASSED",
        *,
        profile: str = "training",
        failed: list[str] | None = None,
        at: datetime | None = None,
        trust: TrustMaterial | None = None,
    ) -> Verdict:
        import prcard

        verdict = prcard.verify(raw, profile=profile, trust=trust, at=at)
        reasons = {entry.code: entry.reason for entry in (*verdict.failed, *verdict.open)}
        if verdict.outcome.value != outcome:
            raise AssertionError(f"expected {outcome}, found {verdict.outcome.value}: {reasons}")
        if failed is not None and [entry.code for entry in verdict.failed] != failed:
            raise AssertionError(f"expected the failed checks {failed}, found {reasons}")
        return verdict

    return check


def _first(request: pytest.FixtureRequest, marker: str, otherwise: Any) -> Any:
    mark = request.node.get_closest_marker(marker)
    return mark.args[0] if mark else otherwise
