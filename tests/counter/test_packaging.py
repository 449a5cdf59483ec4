"""What packaging/ holds is what the programs it is for take."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from prcard.cli.counter import serve

PACKAGING: Final = Path(__file__).resolve().parents[2] / "packaging"


def text(name: str) -> str:
    return (PACKAGING / name).read_text(encoding="utf-8")


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text("prcard-counter.service").splitlines():
        key, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_gives_away_nothing_that_it_need_not() -> None:
    options = unit()
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "LockPersonality", "RestrictNamespaces", "DynamicUser"):
        assert options[key] == ["yes"], key
    assert options["ProtectSystem"] == ["strict"]
    assert options["CapabilityBoundingSet"] == [""]
    assert (options["IPAddressDeny"], options["IPAddressAllow"]) == (["any"], ["localhost"])
    assert options["LimitCORE"] == ["0"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit() -> None:
    path = str(PACKAGING / "prcard-counter.service")
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    problems = [line for line in done.stderr.splitlines() if "prcard-counter" in line and "/opt/prcard" not in line]
    assert problems == []


def test_the_options_of_the_unit_exist() -> None:
    (options,) = re.findall(r"^PRCARD_OPTIONS=(.*)$", text("counter.env"), re.MULTILINE)
    line = f"{unit()['ExecStart'][0]} {options}"
    known = {name for parameter in serve.params for name in parameter.opts}
    given = [word for word in shlex.split(line) if word.startswith("--")]
    assert len(given) > 4
    assert [word for word in given if word not in known] == []


def test_the_udev_rules_cover_usb_readers_and_serial_adapters() -> None:
    rules = [line for line in text("70-prcard.rules").splitlines() if line and not line.startswith("#")]
    assert any('ATTR{idVendor}=="0400", ATTR{idProduct}=="c35a"' in rule for rule in rules)
    assert all('MODE="0660"' in rule and 'TAG+="uaccess"' in rule for rule in rules)
    assert all("ID_MM_DEVICE_IGNORE" in rule for rule in rules if rule.startswith('SUBSYSTEM=="tty"'))


def test_the_desktop_entry_starts_the_counter() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read_string(text("prcard-counter.desktop"))
    assert entry["Desktop Entry"]["Exec"] == "prcard counter serve --open"
    assert entry["Desktop Entry"]["Name[zh_CN]"] == "证件核验柜台"
    assert entry["Desktop Entry"]["Terminal"] == "true"


def test_the_container_runs_without_privilege() -> None:
    recipe = text("Containerfile")
    assert "USER prcard" in recipe
    assert '"/opt/prcard/bin/prcard", "counter", "serve"' in recipe
