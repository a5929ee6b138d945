#!/bin/sh
# Installs tools from npm and PyPI into the project's own folder, .tools: all of them, or the parts named.
# Does nothing, quickly, when everything is there. Safe to interrupt: what did not finish is done again.
#   infra/local/setup.sh [node] [venv-aws] [venv-sam] [venv-build] [venv-sdk] [venv-api] [venv-sql] [venv-lint]
# Building for AWS needs venv-build, packing and deploying also venv-sam; the local stack and its tests need the rest.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
tools=$root/.tools
manifests=$here/tools

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# --- Prerequisites ---------------------------------------------------------------------------------

need() { # program, what to install
    command -v "$1" >/dev/null 2>&1 || fail "'$1' is missing: install $2, then run this again"
}

find_python() { # the first Python that can make virtual environments
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

check_node() {
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
        fail "Node.js is $(node --version): install Node.js 20.19 or later (https://nodejs.org), then run this again"
}

check_python() {
    python=$(find_python)
    [ -n "$python" ] ||
        fail "no Python 3.10 or later with venv and pip: install it (Debian: apt install python3 python3-venv), then run this again"
}

# --- Parts -----------------------------------------------------------------------------------------

# What a part was installed from; a virtual environment also remembers its place, which is written into it.
wanted() {
    case $1 in
    node) cat "$manifests/package.json" "$manifests/package-lock.json" "$manifests/hydrate.mjs" ;;
    venv-sdk) cat "$manifests/requirements-sdk.txt" "$manifests/requirements-sdk-source.txt" ;;
    *) cat "$manifests/requirements-${1#venv-}.txt" ;;
    esac | cksum | tr '\n' ' '
    printf '%s %s %s' "$(uname -sm)" "$tools" "$1"
}

is_done() { [ -f "$tools/$1.stamp" ] && [ "$(cat "$tools/$1.stamp")" = "$(wanted "$1")" ]; }

# The steps are joined by &&: `set -e` does not reach into a function whose status is looked at.
install_node() {
    mkdir "$tools/node" &&
        cp "$manifests/package.json" "$manifests/package-lock.json" "$tools/node/" &&
        (cd "$tools/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) &&
        node "$manifests/hydrate.mjs" "$tools/node"
}

install_venv() {
    "$python" -m venv "$tools/$1" &&
        "$tools/$1/bin/python" -m pip install --disable-pip-version-check --no-input --prefer-binary --quiet \
            --requirement "$manifests/requirements-${1#venv-}.txt"
}

# The SDK's own tests are in its source distribution alone.
install_venv_sdk() {
    install_venv "$1" &&
        "$tools/$1/bin/python" -m pip download --disable-pip-version-check --no-input --quiet \
            --no-deps --no-binary cloudinary --require-hashes \
            --dest "$tools/$1/source" --requirement "$manifests/requirements-sdk-source.txt"
}

install_part() {
    began=$(date +%s)
    rm -rf "$tools/$1.stamp" "$tools/${1:?}"
    case $1 in
    node) installer=install_node ;;
    venv-sdk) installer=install_venv_sdk ;;
    *) installer=install_venv ;;
    esac
    "$installer" "$1" >"$tools/$1.log" 2>&1 || {
        say "$1 failed; the end of .tools/$1.log:"
        tail -n 20 "$tools/$1.log" >&2
        return 1
    }
    wanted "$1" >"$tools/$1.stamp.new"
    mv "$tools/$1.stamp.new" "$tools/$1.stamp"
    say "$1 is ready ($(($(date +%s) - began)) s)"
}

# --- One at a time -------------------------------------------------------------------------------

take_lock() {
    until mkdir "$tools/lock" 2>/dev/null; do
        owner=$(cat "$tools/lock/pid" 2>/dev/null || true)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$tools/lock"
        else
            [ -n "${waiting:-}" ] || say "waiting for another setup (process ${owner:-?}); if there is none, remove .tools/lock"
            waiting=yes
            sleep 1
        fi
    done
    echo $$ >"$tools/lock/pid"
}

jobs=
leave() {
    status=$?
    trap - EXIT INT TERM HUP
    # shellcheck disable=SC2086 # a list of process ids
    [ -z "$jobs" ] || kill $jobs 2>/dev/null || true
    rm -rf "$tools/lock"
    exit "$status"
}

# --- Main ----------------------------------------------------------------------------------------

need cargo "Rust (https://rustup.rs)"

parts=${*:-node venv-aws venv-sam venv-build venv-sdk venv-api venv-sql}
case $parts in *node*)
    need node "Node.js 20.19 or later (https://nodejs.org)"
    need npm "npm, which comes with Node.js (https://nodejs.org)"
    ;;
esac
missing=
for part in $parts; do
    case $part in
    node | venv-aws | venv-sam | venv-build | venv-sdk | venv-api | venv-sql | venv-lint) is_done "$part" || missing="$missing $part" ;;
    *) fail "there is no part '$part'" ;;
    esac
done
[ -n "$missing" ] || exit 0

case $missing in *node*) check_node ;; esac
case $missing in *venv-*) check_python ;; esac
mkdir -p "$tools"
take_lock
trap leave EXIT
trap 'exit 130' INT TERM HUP

for part in $missing; do
    is_done "$part" && continue # another setup did it while this one waited
    say "installing $part ..."
    (trap - EXIT; install_part "$part") &
    jobs="$jobs $!"
done
failed=
for job in $jobs; do
    wait "$job" || failed=yes
done
jobs=
[ -z "$failed" ] || fail "not everything could be installed; run this again to install what is missing"
