#!/bin/sh
# Builds the functions for AWS and packs them: dist/ARCH/*.zip, template.packaged.yaml and SHA256SUMS.
#   infra/dist.sh ARCH...      arm64, x86_64
# Tries every architecture; fails, and says which, if one of them could not be made.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
python=$root/.tools/venv-sam/bin/python

say() { printf 'dist: %s\n' "$*" >&2; }

# A release without the page would be none.
infra/local/build-console.sh

made=
missing=
for arch; do
    if infra/local/build-functions.sh release "$arch" "$root/target/dist/$arch" &&
        "$python" -B infra/dist.py --arch "$arch" --functions "target/dist/$arch"; then
        made="$made $arch"
    else
        missing="$missing $arch"
    fi
done
[ -z "$made" ] || say "made:$made"
[ -z "$missing" ] || { say "not made:$missing"; exit 1; }
