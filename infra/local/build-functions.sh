#!/bin/sh
# Builds every function into target/lambda/<function>/bootstrap, where template.yaml looks for it.
#   infra/local/build-functions.sh local              for this machine, dev profile, with the stack's own programs
#   infra/local/build-functions.sh release ARCH [DIR] for AWS: arm64 or x86_64, into another folder if one is named
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$root"
export PATH="$root/.tools/venv-build/bin:$PATH"
out=$root/target/lambda

say() { printf 'build: %s\n' "$*" >&2; }

case ${1:-} in
local)
    # All of the workspace at once, as the tests are built: built by themselves the functions would have
    # other features of the same crates, and everything would be compiled twice.
    mkdir -p "$out"
    infra/local/build-console.sh
    # As old as the build's beginning: what is edited meanwhile is newer.
    touch "$out/.built.new"
    cargo build --quiet --bins
    strip -o "$out/.start" target/debug/start_function 2>/dev/null || cp target/debug/start_function "$out/.start"
    for folder in functions/*/; do
        name=$(basename "$folder")
        mkdir -p "$out/$name"
        # A small program that becomes the function: each stack uploads and unpacks all of them.
        { cat "$out/.start" && printf '\n%s' "$root/target/debug/$name"; } >"$out/$name/bootstrap.new"
        chmod +x "$out/$name/bootstrap.new"
        if cmp -s "$out/$name/bootstrap.new" "$out/$name/bootstrap"; then
            rm "$out/$name/bootstrap.new"
        else
            mv "$out/$name/bootstrap.new" "$out/$name/bootstrap"
        fi
    done
    rm "$out/.start"
    rm -f "$out/BUILD"
    mv "$out/.built.new" "$out/.built"
    ;;
release)
    case ${2:-} in
    arm64) target=aarch64-unknown-linux-gnu option=--arm64 ;;
    x86_64) target=x86_64-unknown-linux-gnu option=--x86-64 ;;
    *) say "ARCH is '${2:-}': arm64 or x86_64"; exit 1 ;;
    esac
    libraries=$(rustc --print sysroot)/lib/rustlib/$target
    if [ ! -d "$libraries" ] && ! rustup target add "$target"; then
        say "Rust's standard library for $target is not installed, and rustup could not install it."
        say "Install it (rustup target add $target), or build for the other architecture: make build ARCH=x86_64"
        exit 1
    fi
    out=${3:-$out}
    rm -f "$out/.built" "$out/BUILD"
    infra/local/build-console.sh if-possible
    packages=
    for folder in functions/*/; do
        packages="$packages --package $(basename "$folder")"
    done
    # Told by /health, so that two builds of one version can be told apart.
    MEDIA_SYNC_BUILD=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
    git diff --quiet HEAD 2>/dev/null || MEDIA_SYNC_BUILD=$MEDIA_SYNC_BUILD-changed
    export MEDIA_SYNC_BUILD
    # shellcheck disable=SC2086 # a list of options
    cargo lambda build --release "$option" --lambda-dir "$out" $packages
    # For dist.py: when it packs, the checkout may be another commit already.
    printf '%s\n' "$MEDIA_SYNC_BUILD" >"$out/BUILD"
    ;;
*)
    sed -n '2,4p' "$0" >&2
    exit 1
    ;;
esac
