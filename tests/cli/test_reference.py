"""The reference page of the command line."""

from __future__ import annotations

from prcard.cli.main import ExitCode
from prcard.cli.reference import commands_page, leaves


def test_every_command_and_exit_code_stands_there() -> None:
    page = commands_page()
    for name, command in leaves():
        assert f"## `prcard {name}`" in page
        assert (command.help or "").splitlines()[0] in page
    for code in ExitCode:
        assert f"\n| {code.value} | " in page
