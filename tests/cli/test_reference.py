"""The reference page of the command line."""

from __future__ import annotations

from prcard.acceptance.messages import REASONS
from prcard.cli.main import ExitCode
from prcard.cli.reference import commands_page, leaves, trust_errors_page
from prcard.trust.reasons import OPERATING_REASONS, TrustReason


def test_every_command_and_exit_code_stands_there() -> None:
    page = commands_page()
    for name, command in leaves():
        assert f"## `prcard {name}`" in page
        assert (command.help or "").splitlines()[0] in page
    for code in ExitCode:
        assert f"\n| {code.value} | " in page


def test_what_operators_meet_has_a_page_and_is_no_reason_of_a_check() -> None:
    page = trust_errors_page()
    assert {TrustReason.PIN_WRONG, TrustReason.OUTPUT_EXISTS, TrustReason.STORE_ROLLBACK} <= set(OPERATING_REASONS)
    for reason in OPERATING_REASONS:
        assert f"| `{reason.value}` | {reason.en} |" in page
        assert reason.value not in REASONS
        assert reason.advice_en
