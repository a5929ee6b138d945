"""The two linters, and why some of their warnings do not count."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# The marker of the first release: the newest file of the first installation. Up to it tables are made and still empty.
# Later files meet tables in use, and keep every rule of squawk's: among them, a lock_timeout before anything that locks.
LAST_OF_THE_FIRST_INSTALLATION = "20261127081200"

# Hosted projects have PostgreSQL 15 at least.
SQUAWK = ["--pg-version=15.0", "--assume-in-transaction", "--reporter=gcc"]


@dataclass(frozen=True)
class Exempt:
    """A rule that is not asked, and why."""

    rule: str
    reason: str


PGSPOT_EXCEPTIONS = [
    Exempt("PS010", "Only the project's own roles may create schemas: no stranger can have made media_sync before."),
]
FIRST_INSTALLATION = [
    Exempt("prefer-bigint-over-int", "Pixels, retries and calls of an hour stay below 2^31."),
    Exempt("prefer-bigint-over-smallint", "There are sixteen shards."),
    Exempt("require-lock-timeout", "Nobody else uses the tables yet."),
    Exempt("require-statement-timeout", "The tables are empty."),
]


def spot(files):
    """pgspot: names and operators that another schema could take over."""
    ignored = [f"--ignore={each.rule}" for each in PGSPOT_EXCEPTIONS]
    return run("pgspot", *ignored, *files)


def squawk(files):
    """squawk: what locks or breaks a table that is in use."""
    first = [file for file in files if Path(file).name[:14] <= LAST_OF_THE_FIRST_INSTALLATION]
    later = [file for file in files if file not in first]
    told = [
        run("squawk", *SQUAWK, *excluded(exceptions), *some)
        for some, exceptions in ((first, FIRST_INSTALLATION), (later, []))
        if some
    ]
    return "".join(told)


def excluded(exceptions):
    return [f"--exclude={each.rule}" for each in exceptions]


def run(program, *arguments):
    """Runs a linter of this environment; what it says when it finds something, otherwise nothing."""
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""
