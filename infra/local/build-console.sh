#!/bin/sh
# Builds the console's page into functions/console/web/dist, with npm. Does nothing, quickly, if it is as new as its sources.
#   infra/local/build-console.sh             fails without npm
#   infra/local/build-console.sh if-possible leaves the page out then: its function names the command that builds it
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd -P)
cd "$root/functions/console/web"

say() { printf 'console: %s\n' "$*" >&2; }

if ! command -v npm >/dev/null 2>&1; then
    say "'npm' is missing: install Node.js 20.19 or later (https://nodejs.org)"
    [ "${1:-}" = if-possible ] || exit 1
    say "going on without the page"
    exit 0
fi

# The packages follow the lock file, the page follows the packages and its own sources.
packages=$(cksum <package-lock.json)
if [ "$(cat node_modules/.installed 2>/dev/null)" != "$packages" ]; then
    say "installing its packages ..."
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    printf '%s' "$packages" >node_modules/.installed
fi
sources=$(find build public src index.html package-lock.json tsconfig.json vite.config.ts -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum)
[ "$(cat dist/.sources 2>/dev/null)" = "$sources" ] && exit 0
npm run --silent build >&2
printf '%s' "$sources" >dist/.sources
say "the page is built"
