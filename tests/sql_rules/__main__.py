"""Applies the rules of hosted Supabase to migrations: `python tests/sql_rules FOLDER`.

Exits with 1 if a migration breaks a rule.
"""

import sys
from pathlib import Path

from check import check
from reviewed import REVIEWED


def main(folder):
    paths = sorted(Path(folder).glob("*.sql"))
    if not paths:
        sys.exit(f"{folder} holds no migrations")
    faults = check({path.name: path.read_text(encoding="utf-8") for path in paths}, REVIEWED)
    for rule, reason in dict.fromkeys((fault.rule, fault.reason) for fault in faults):
        print(f"{rule}: {reason}")
        for fault in faults:
            if fault.rule == rule:
                print(f"  {fault}")
    print(f"sql rules: {len(paths)} migrations, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main(*sys.argv[1:])
