"""Writes every generated file of the repository, or checks that they are current.

    python -m prcard.cli.generated_files            writes what differs
    python -m prcard.cli.generated_files --check    writes nothing; exit 1 when something differs

Runs from a checkout only; an installed package has nothing to generate.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prcard.acceptance.reference import checks_reference
from prcard.cli.acceptance_pages import profiles_reference, verdicts_reference
from prcard.cli.reference import commands_page
from prcard.cli.schemas import schemas
from prcard.counter.reference import javascript_client, service_reference
from prcard.record.codegen import codec_module
from prcard.record.countries_source import countries_module
from prcard.record.reference import layouts_reference
from prcard.simulator.conformance import clauses_reference
from prcard.simulator.control import control_reference
from prcard.simulator.fidelity import fidelity_reference
from prcard.simulator.host_clauses import HOST_CLAUSES
from prcard.simulator.reader_clauses import READER_CLAUSES
from prcard.simulator.reference import specimens_reference
from prcard.simulator.scenario import scenario_reference
from prcard.trust.reference import security_object_reference
from prcard.wire.reference import card_application_reference, commands_reference, states_reference, status_reference

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FILES", "main", "wanted"]

ROOT: Final = Path(__file__).resolve().parents[3]

FILES: Final[dict[str, Callable[[], str]]] = {
    "src/prcard/record/_codec.py": codec_module,
    "src/prcard/record/_countries.py": countries_module,
    "docs/reference/layouts.md": layouts_reference,
    "docs/reference/checks.md": checks_reference,
    "docs/reference/security-object.md": security_object_reference,
    "docs/reference/profiles.md": profiles_reference,
    "docs/reference/verdicts.md": verdicts_reference,
    "docs/reference/specimens.md": specimens_reference,
    "docs/reference/scenarios.md": scenario_reference,
    "docs/reference/fidelity.md": fidelity_reference,
    "docs/reference/control.md": control_reference,
    "docs/reference/conformance.md": lambda: clauses_reference(
        (("For readers", READER_CLAUSES), ("For hosts", HOST_CLAUSES))
    ),
    "docs/reference/protocol-commands.md": commands_reference,
    "docs/reference/protocol-status.md": status_reference,
    "docs/reference/protocol-states.md": states_reference,
    "docs/reference/card-application.md": card_application_reference,
    "docs/reference/command-line.md": commands_page,
    "docs/reference/local-service.md": service_reference,
    "clients/javascript/index.js": javascript_client,
}
"""Path -> what gives its text; schemas are added by `wanted`."""


def wanted() -> dict[str, str]:
    """Gives the text of every generated file by its path."""
    files = {path: make() for path, make in FILES.items()}
    for name, schema in schemas().items():
        files[f"schemas/{name}.schema.json"] = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
    return files


def main(arguments: list[str]) -> int:
    """Writes or checks; returns the exit code."""
    files = wanted()
    stale = [path for path, text in files.items() if _present(path) != text]
    extra = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "schemas").glob("*"))
        if str(path.relative_to(ROOT)) not in files
    ]
    if "--check" in arguments:
        for path in stale + extra:
            print(f"{path} is not what the definitions give; run: make generate")
        return 1 if stale or extra else 0
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(files[path], encoding="utf-8")
    for path in extra:
        (ROOT / path).unlink()
    print(f"generated: {len(files)} files, {len(stale)} written, {len(extra)} removed")
    return 0


def _present(path: str) -> str | None:
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
