"""A short shift and a few listeners, by the benchmark's own code: nothing missed, nothing wrong, nothing grown."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "counter.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_counter", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_listener_misses_an_event(benchmark: ModuleType) -> None:
    row = benchmark.many_listeners(2, 10, 2)
    assert (row["median"], row["holds"]) == (0, True)


def test_no_verdict_of_a_shift_is_wrong_and_nothing_grows(benchmark: ModuleType) -> None:
    verdicts, growth = benchmark.shift(30)
    assert verdicts["median"] == 0
    assert growth["holds"], growth


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_whole_day(benchmark: ModuleType) -> None:
    assert [row["holds"] for row in benchmark.shift(benchmark.SHIFT_CARDS)] == [True, True]
