"""Applies pgspot and squawk to migrations: `python tests/sql_lint FOLDER`.

Exits with 1 if one of them finds something.
"""

import sys
import tempfile
from pathlib import Path

from flatten import flatten
from linters import spot, squawk


def main(folder):
    paths = sorted(Path(folder).glob("*.sql"))
    if not paths:
        sys.exit(f"{folder} holds no migrations")
    with tempfile.TemporaryDirectory() as flat:
        files = []
        for path in paths:
            file = Path(flat, path.name)
            file.write_text(flatten(path.read_text(encoding="utf-8")), encoding="utf-8")
            files.append(str(file))
        found = (spot(files) + squawk(files)).replace(flat, str(folder))
    print(found, end="")
    print(f"sql lint: {len(paths)} migrations, {'faults' if found else 'no faults'}")
    sys.exit(1 if found else 0)


main(*sys.argv[1:])
