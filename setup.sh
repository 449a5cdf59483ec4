#!/usr/bin/env bash
# Sets up .venv with one extra of this package (serial for the demo, dev for the tests). Says what it installs; a second
# run installs nothing. Called by the Makefile.
set -euo pipefail
cd "$(dirname "$0")"
extra="$1"
python="${PYTHON:-python3}"
venv=.venv

say() { printf '%s\n' "$*"; }

# Packages are installed as root, by sudo where there is one; else the person is told the exact line.
apt_install() {
    local line="apt-get install -y --no-install-recommends $*"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo)
        else
            say "Missing: $*. Run this as root, then try again:" >&2
            say "    apt-get update && $line" >&2
            exit 1
        fi
    fi
    command -v apt-get >/dev/null || { say "Missing: $*. Install them with your system's package manager." >&2; exit 1; }
    say "Installing with apt: $*"
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" $line -qq >/dev/null
}

command -v "$python" >/dev/null || apt_install python3 python3-venv
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "prcard needs Python 3.11 or newer; $python is $("$python" -V). Name another one: make PYTHON=python3.12 …" >&2
    exit 1
}
stamp=$({ cat pyproject.toml; "$python" -VV; pwd; } | sha256sum | cut -d' ' -f1)
for done in "$venv"/.ready-*; do
    # The tests' environment has all that the demo needs.
    [ "$done" = "$venv/.ready-$extra-$stamp" ] || [ "$done" = "$venv/.ready-dev-$stamp" ] && [ -e "$done" ] && exit 0
done

"$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
# Certificates are needed by pip on a minimal system only.
[ -e /etc/ssl/certs/ca-certificates.crt ] || ! command -v apt-get >/dev/null || apt_install ca-certificates

# An environment that was made half, or by another Python, is made anew.
if ! { [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
    say "Making $venv with $("$python" -V)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
say "Installing with pip into $venv: prcard[$extra] and what it depends on"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e ".[$extra]"
rm -f "$venv"/.ready-"$extra"-*
touch "$venv/.ready-$extra-$stamp"
