"""Runs every benchmark, prints a Markdown table and writes benchmarks/latest.json.

    python benchmarks/run.py [--rounds N] [NAME…]

Each benchmark compares with its alternative in the same run, in interleaved rounds; medians and ratios count, absolute
figures belong to one machine. A benchmark is a module beside this one with `run(rounds) -> list[Result]`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Runs the benchmarks that are named, or all; exit 1 when a target does not hold."""
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds, 9 or more (default 15)")
    parser.add_argument("names", nargs="*", help="benchmarks to run (default: all)")
    options = parser.parse_args(arguments)
    names = options.names or sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run")
    results: list[dict[str, Any]] = []
    for name in names:
        print(f"… {name}", file=sys.stderr, flush=True)
        results += _load(name).run(options.rounds)
    print(table(results))
    if not options.names:
        (HERE / "latest.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(result["holds"] for result in results) else 1


def table(results: list[dict[str, Any]]) -> str:
    """Formats results as a Markdown table."""
    rows = ["| what | median | ratio | base | target | holds |", "|---|---|---|---|---|---|"]
    for result in results:
        ratio = "" if result["ratio"] is None else f"{result['ratio']:.2f}"
        holds = "yes" if result["holds"] else "**no**"
        rows.append(
            f"| {result['name']} | {result['median']:,.6g} {result['unit']} | {ratio} | {result['base'] or ''} "
            f"| {result['target'] or ''} | {holds} |"
        )
    return "\n".join(rows)


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"there is no benchmark {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
