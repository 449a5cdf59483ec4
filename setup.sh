#!/usr/bin/env bash
# Sets up .venv with one extra of this package and says what it installs; when nothing is missing it does and says
# nothing. Called by the Makefile:
#
#     ./setup.sh serial     what the demo needs
#     ./setup.sh dev        what the tests need, the demo's needs included
#     ./setup.sh docs       what the documentation needs
#
# PYTHON names the interpreter, python3 by default.
set -euo pipefail
cd "$(dirname "$0")"
extra="$1"
python="${PYTHON:-python3}"
venv=.venv

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Installs Debian packages: as root, by sudo where there is one, else the person is told the exact line.
apt_install() {
    local install="apt-get install -y --no-install-recommends $*"
    command -v apt-get >/dev/null || stop "Missing: $*. Install them with the package manager of this system."
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        # Without a terminal nobody can answer sudo's question, so only a sudo that asks none will do.
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            stop "Missing: $*. Run this as root, then try again:" "    apt-get update && $install"
        fi
    fi
    echo "Installing with apt: $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        echo "apt-get update failed; going on with the package lists that are there"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
}

command -v "$python" >/dev/null || {
    [ "$python" = python3 ] || stop "PYTHON=$python is not there. Name another: make PYTHON=python3"
    apt_install python3 python3-venv
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "prcard needs Python 3.11 or newer; $python is $("$python" -V). Name another: make PYTHON=python3.12"

# The environment belongs to this Python and this place, because the scripts in it hold both; what is installed in it
# belongs to this pyproject.toml. Stamps say so, and are written last: an interrupted run leaves none.
made="$("$python" -c 'import sys; print(*sys.version_info[:2], sys.base_prefix)') $(pwd -P)"
wanted="$made $(sha256sum pyproject.toml)"
holds() { [ -f "$venv/.$1" ] && [ "$(<"$venv/.$1")" = "$2" ]; }

if holds "ready-$extra" "$wanted" || { [ "$extra" = serial ] && holds ready-dev "$wanted"; }; then
    exit 0
fi

missing=()
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    missing+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
[ -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -e /etc/debian_version ] || missing+=(ca-certificates)
# What the tests run for real beside Python: what shows that it is there, and the Debian package that brings it.
if [ "$extra" = dev ]; then
    headers="$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')"
    while read -r there package; do
        [ -e "$there" ] || command -v "$there" >/dev/null || missing+=("$package")
    done <<END
openssl openssl
gcc gcc
/usr/include/stdlib.h libc6-dev
$headers/Python.h $("$python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')
/usr/include/PCSC/winscard.h libpcsclite-dev
/usr/sbin/pcscd pcscd
/usr/lib/pcsc/drivers/serial/libifdvpcd.so vsmartcard-vpcd
opensc-tool opensc
pcsc_scan pcsc-tools
softhsm2-util softhsm2
chromium chromium
/usr/share/fonts/truetype/wqy/wqy-microhei.ttc fonts-wqy-microhei
END
fi
[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"

# pip writes a package's RECORD last: one that misses it, or a file named in it, was left by an interrupted run.
whole() {
    "$venv/bin/python" -I - <<'END'
from importlib.metadata import distributions
for package in distributions():
    names = package.files
    if names is None or not all(name.locate().exists() for name in names if name.suffix != ".pyc"):
        raise SystemExit(1)
END
}

if ! holds made "$made" || ! whole 2>/dev/null; then
    # What lies there, if anything, is half made, moved, or of another Python. The base interpreter makes the new one,
    # because `python3` itself lies in there while the environment is active.
    base=$("$python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
    echo "Making $venv with $("$python" -V)"
    rm -rf "$venv"
    "$base" -m venv "$venv"
    printf '%s' "$made" >"$venv/.made"
fi
echo "Installing with pip into $venv: prcard[$extra] and what it depends on"
rm -f "$venv/.ready-$extra"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e ".[$extra]" ||
    stop "pip could not install everything; the lines above say why. Run the same command again: it goes on from here."
printf '%s' "$wanted" >"$venv/.ready-$extra"
