"""What the tree promises about itself: CONTRIBUTING.md in words, this file in force.

Each rule is a small function from text to what it objects to, so that the last part can show that each one objects.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from prcard.cli.generated_files import wanted
from prcard.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "src" / "prcard"
TESTS: Final = ROOT / "tests"
MODULES: Final = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))

PURE: Final = ("record/", "wire/", "trust/", "acceptance/")
OUTSIDE_WORLD: Final = frozenset(
    {"asyncio", "fcntl", "glob", "io", "logging", "multiprocessing", "os", "pathlib", "pty", "random", "secrets"}
    | {"select", "shutil", "signal", "socket", "subprocess", "tempfile", "termios", "threading", "time", "uuid"}
)
CLOCK_READS: Final = frozenset({"now", "today", "utcnow"})
BUILT_INS_THAT_REACH_OUT: Final = frozenset({"open", "print", "input"})

# Third-party package -> the only modules that may import it, at whatever depth.
IMPORTERS: Final = {
    "serial": ("reader/serial.py", "simulator/rfc2217.py"),
    "smartcard": ("reader/pcsc.py", "simulator/pyscard.py"),
    "usb": ("reader/usb.py", "simulator/usb.py"),
    "construct": ("record/layouts/", "wire/frame_layout.py"),
    "click": ("cli/",),
    "gmssl_pyx": ("trust/sm2.py",),
    "pkcs11": ("keys/pkcs11.py",),
    "pycountry": ("record/countries_source.py",),
}

FORBIDDEN_NAMES: Final = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "manager"})

# Modules without a test file of their own name, each with its reason.
NEEDS_NO_TEST_FILE: Final = {
    "__init__.py": "the face of its package: what it offers is tested where it is defined",
    "__main__.py": "one call",
    "_codec.py": "generated; record/test_codec.py compares it with the declarations",
    "_countries.py": "generated; record/test_countries_source.py compares it with its source",
    "_version.py": "one string",
}
# Tests without a module of their own name, each with its reason.
TESTS_OF_SOMETHING_ELSE: Final = {
    "test_architecture.py": "the tree",
    "test_documentation.py": "the pages, held against the program",
    "test_leaks.py": "a whole run, searched for personal data",
    "test_paths.py": "every way to a card, held against the others",
    "test_prcard.py": "the face of the whole package, src/prcard/__init__.py",
    "record/test_codec.py": "the generated record/_codec.py",
    "counter/test_page.py": "the counter's page, in a browser",
    "counter/test_openapi.py": "the local service, asked from its own document",
    "counter/test_clients.py": "the JavaScript client, the example forms, pages of the makers' kind",
    "counter/test_packaging.py": "packaging/",
    "counter/test_shift.py": "a short form of benchmarks/counter.py",
    "trust/test_hostile_input.py": "every parser of trust alike",
    "trust/test_peers.py": "what independent programs say of what we issue",
}

FILE_LIMIT: Final = 600
FUNCTION_LIMIT: Final = 50
WHY_LONG: Final = "# Long because"
MACHINE_PATH: Final = re.compile(r"(?<![\w.~-])/(?:home|root|work)/")
NOT_OURS: Final = frozenset({"build", "dist", "node_modules", "site", "__pycache__"})


@cache
def source(module: str) -> str:
    """Gives the text of a module of the package."""
    return (PACKAGE / module).read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    """Gives the syntax tree of a module of the package."""
    return ast.parse(source(module))


def files_of_ours() -> Iterator[Path]:
    """Walks what a clone holds; folders that a tool makes are left out."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part not in {".ci", ".gitignore"} for part in parts)
        if path.is_file() and not hidden and not NOT_OURS & set(parts) and "egg-info" not in str(path):
            yield path


# The rules, as functions from text to what they object to.


def imported(code: ast.AST) -> set[str]:
    """Names the top-level packages that a piece of code imports at run time, at whatever depth."""
    found: set[str] = set()
    for node in _outside_type_checking(code):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _outside_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    guard = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    children = node.orelse if guard and isinstance(node, ast.If) else ast.iter_child_nodes(node)
    for child in children:
        yield from _outside_type_checking(child)


def impurities(code: ast.AST) -> list[str]:
    """Names what a pure module must not do: reach for the outside world, read the clock, open or print."""
    found = [f"imports {name}" for name in sorted(imported(code) & OUTSIDE_WORLD)]
    for node in ast.walk(code):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in BUILT_INS_THAT_REACH_OUT:
            found.append(f"line {node.lineno} calls {node.func.id}()")
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_READS:
            found.append(f"line {node.lineno} reads the clock by {node.func.attr}()")
    return found


def prints(code: ast.AST) -> list[int]:
    """Gives the lines that print."""
    calls = (node for node in ast.walk(code) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def without_docstring(code: ast.Module) -> list[str]:
    """Names the public things whose docstring is missing or whose first line is no sentence."""
    found = [] if _has_sentence(code) else ["the module"]
    for owner, node in _public_definitions(code, ""):
        if not _has_sentence(node) and "overload" not in [getattr(mark, "id", "") for mark in node.decorator_list]:
            found.append(f"{owner}{node.name} at line {node.lineno}")
    return found


def _public_definitions(
    node: ast.Module | ast.ClassDef, owner: str
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
            yield owner, child
            if isinstance(child, ast.ClassDef):
                yield from _public_definitions(child, f"{owner}{child.name}.")


def _has_sentence(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = (ast.get_docstring(node) or "").strip().partition("\n")[0]
    return first.endswith((".", ":", "?")) if isinstance(node, ast.Module) else first.endswith(".")


def too_long(text: str) -> bool:
    """Tells whether a file is past the limit and neither generated nor explained by a comment near its top."""
    lines = text.splitlines()
    explained = any("GENERATED" in line or WHY_LONG in line for line in lines[:20])
    return len(lines) > FILE_LIMIT and not explained


def long_functions(text: str) -> list[str]:
    """Names the functions past the limit that hold no comment which says why."""
    lines = text.splitlines()
    return [
        f"{node.name} has {length} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LIMIT
        and not any(WHY_LONG in line for line in lines[node.lineno - 1 : node.end_lineno])
    ]


def mirror_of(module: str) -> str:
    """Gives where a reader of the code looks first for the tests of a module."""
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}" if folder else f"test_{name}"


def mirror_faults(modules: set[str], tests: set[str]) -> list[str]:
    """Names modules without their test file and test files without their module."""
    needed = {mirror_of(module) for module in modules if module.rpartition("/")[2] not in NEEDS_NO_TEST_FILE}
    missing = [f"tests/{test} is missing" for test in sorted(needed - tests)]
    spare = [f"tests/{test} has no module" for test in sorted(tests - needed - TESTS_OF_SOMETHING_ELSE.keys())]
    return missing + spare


# The tree, held against the rules.


def test_each_module_has_its_test_file_and_each_test_file_its_module() -> None:
    tests = {str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}
    assert mirror_faults(set(MODULES), tests) == []


def test_test_folders_hold_nothing_but_tests_and_their_fixtures() -> None:
    names = {path.name for path in TESTS.rglob("*.py")}
    assert {name for name in names if not name.startswith("test_")} <= {"conftest.py", "strategies.py"}


@pytest.mark.parametrize("package", sorted(IMPORTERS))
def test_a_foreign_package_is_imported_in_its_one_place_only(package: str) -> None:
    importers = [module for module in MODULES if package in imported(tree(module))]
    assert [module for module in importers if not module.startswith(IMPORTERS[package])] == []


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith(PURE)])
def test_a_pure_module_touches_nothing_outside(module: str) -> None:
    assert impurities(tree(module)) == []


def test_only_the_command_line_prints() -> None:
    found = {module: prints(tree(module)) for module in MODULES if not module.startswith("cli/")}
    assert {module: lines for module, lines in found.items() if lines} == {}


def test_no_file_is_a_junk_drawer() -> None:
    places = [PACKAGE, TESTS, ROOT / "fixtures", ROOT / "benchmarks", ROOT / "examples"]
    stems = {path.stem.removeprefix("test_"): path for place in places for path in place.rglob("*.py")}
    assert {str(path) for stem, path in stems.items() if stem.strip("_") in FORBIDDEN_NAMES} == set()


@pytest.mark.parametrize("module", MODULES)
def test_every_public_thing_says_what_it_gives(module: str) -> None:
    assert without_docstring(tree(module)) == []


def test_generated_files_say_so_near_their_top() -> None:
    files = wanted()
    assert "src/prcard/record/_codec.py" in files
    assert [path for path, text in files.items() if "GENERATED" not in text[:600]] == []


def test_schemas_holds_generated_files_only() -> None:
    present = {str(path.relative_to(ROOT)) for path in (ROOT / "schemas").rglob("*") if path.is_file()}
    assert present == {path for path in wanted() if path.startswith("schemas/")}


def test_no_file_names_a_place_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files_of_ours()
        if (match := MACHINE_PATH.search(path.read_bytes().decode("utf-8", "replace")))
    ]
    assert found == []


def test_no_file_is_past_the_limit_without_a_reason() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in files_of_ours() if path.suffix == ".py"}
    assert [str(path) for path, text in texts.items() if too_long(text)] == []


def test_no_function_is_past_the_limit_without_a_reason() -> None:
    found = {module: long_functions(source(module)) for module in MODULES if "GENERATED" not in source(module)[:600]}
    assert {module: names for module, names in found.items() if names} == {}


HEAVY: Final = ["construct", "cryptography", "serial", "smartcard", "numpy", "pyarrow", "rich", "fastapi"]


@pytest.mark.parametrize(
    "statement",
    [
        "import prcard",
        "from prcard.cli.main import cli; cli.main(['--help'], standalone_mode=False)",
    ],
)
def test_starting_loads_nothing_heavy(statement: str) -> None:
    report = f"import sys; print('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", f"{statement}; {report}"], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1].split() == ["loaded:"]


def test_decoding_loads_no_construct() -> None:
    text = ROOT / "fixtures" / "specimens" / "alice" / "text.bin"
    code = f"import sys, prcard; prcard.decode(open({str(text)!r}, 'rb').read()); print('construct' in sys.modules)"
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_the_readme_names_every_command_and_make_target() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(targets) > 10
    wanted = [f"`prcard {name}" for name in COMMANDS] + [f"make {target}" for target in targets]
    assert [words for words in wanted if words not in readme] == []


def test_the_contributing_rules_are_numbered_without_a_gap() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert numbers == list(range(1, 50))


# Each rule objects to what it is made for; otherwise the tests above would pass whatever happens.


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os.path", {"os"}),
        ("from serial.tools import list_ports", {"serial"}),
        ("def f():\n    import construct", {"construct"}),
        ("from . import here", set()),
        ("if TYPE_CHECKING:\n    import construct\nelse:\n    import json", {"json"}),
    ],
)
def test_rule_imported(code: str, expected: set[str]) -> None:
    assert imported(ast.parse(code)) == expected


@pytest.mark.parametrize(
    "code", ["import time", "from pathlib import Path", "open('x')", "print(1)", "datetime.now()", "date.today()"]
)
def test_rule_impurities(code: str) -> None:
    assert len(impurities(ast.parse(code))) == 1


def test_rule_impurities_lets_computing_pass() -> None:
    assert impurities(ast.parse("from datetime import date\nself.open(date(2020, 1, 1))")) == []


def test_rule_prints() -> None:
    assert prints(ast.parse("x = 1\nprint(x)")) == [2]


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ('"""Gives."""', 0),
        ("x = 1", 1),
        ('"""Gives."""\ndef f():\n    """No full stop"""', 1),
        ('"""Gives."""\nclass C:\n    """Is."""\n    def f(self): ...', 1),
        ('"""Gives."""\ndef _f(): ...', 0),
    ],
)
def test_rule_without_docstring(code: str, count: int) -> None:
    assert len(without_docstring(ast.parse(code))) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x\n" * 600, False), ("x\n" * 601, True), ("# Long because it is one table.\n" + "x\n" * 601, False)],
)
def test_rule_too_long(text: str, *, expected: bool) -> None:
    assert too_long(text) is expected


def test_rule_long_functions() -> None:
    body = "    x = 1\n" * 50
    assert long_functions("def f():\n" + body) == ["f has 51 lines"]
    assert long_functions("def f():\n    # Long because it is one table.\n" + body) == []


def test_rule_mirror_faults() -> None:
    modules = {"wire/frame.py", "wire/__init__.py", "errors.py"}
    assert mirror_faults(modules, {"wire/test_frame.py", "test_errors.py"}) == []
    assert mirror_faults(modules, {"wire/test_frame.py", "wire/test_frames.py"}) == [
        "tests/test_errors.py is missing",
        "tests/wire/test_frames.py has no module",
    ]


@pytest.mark.parametrize(("text", "expected"), [("see /" + "home/me", True), ("net/" + "home/", False)])
def test_rule_machine_path(text: str, *, expected: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is expected
