#!/bin/sh
# Builds the functions for AWS and packs them: dist/ARCH/*.zip, template.packaged.yaml and SHA256SUMS.
#   infra/dist.sh ARCH...      arm64, x86_64
# An architecture whose Rust target cannot be installed is named and left out; without any the command fails.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
python=$root/.tools/venv-sam/bin/python

say() { printf 'dist: %s\n' "$*" >&2; }

made= missing=
for arch; do
    if infra/local/build-functions.sh release "$arch" "$root/target/dist/$arch" &&
        "$python" -B infra/dist.py --arch "$arch" --functions "target/dist/$arch"; then
        made="$made $arch"
    else
        missing="$missing $arch"
    fi
done
[ -z "$missing" ] || say "not made:$missing"
[ -n "$made" ] || exit 1
say "made:$made"
