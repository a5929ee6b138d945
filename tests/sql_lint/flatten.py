"""Migrations as the linters can read them: the statements that a file runs, without the block that runs it once.

Lines keep their numbers.
"""

import re
import sys
from pathlib import Path

from pglast import ast, parse_plpgsql, parse_sql
from pglast.parser import ParseError

sys.path.append(str(Path(__file__).parent.parent / "sql_rules"))

from plpgsql import UNKNOWN_FIELD, declared_record  # noqa: E402
from source import Source  # noqa: E402
from statements import placed  # noqa: E402

# `media_sync.begin_migration` opens the block; see ARCHITECTURE.md.
BLOCK = re.compile(r"(do \$once\$ begin .*?execute \$migration\$)(.*)(\$migration\$;.*?\$once\$;)", re.DOTALL)


def flatten(text):
    """The text of a migration, flat."""
    return in_file(BLOCK.sub(lambda found: blank(found[1]) + found[2] + blank(found[3]), text))


def in_file(text):
    """The text with every function in a form that pgspot can read."""
    source = Source("", 1, text)
    for entry in reversed(parse_sql(text)):
        statement = placed(source, entry)
        if isinstance(statement.node, ast.CreateFunctionStmt):
            text = text[: statement.start] + readable(statement) + text[statement.end :]
    return text


def readable(statement):
    """A function as pgspot can read it.

    Its parser sees no catalog: it refuses `name.field := ...` unless the variable is a record, and stops at a body in
    standard SQL. PostgreSQL binds the names of such a body when the function is made, so there is nothing to spot.
    """
    if statement.node.sql_body is not None:
        return blank(statement.text)
    text = statement.text
    if not any(each.defname == "language" and each.arg.sval == "plpgsql" for each in statement.node.options):
        return text
    while True:
        try:
            parse_plpgsql(text)
        except ParseError as error:
            unknown = UNKNOWN_FIELD.search(str(error))
            as_record = declared_record(text, unknown[1]) if unknown else text
            if as_record == text:
                raise
            text = as_record
        else:
            return text


def blank(text):
    """As many lines, with nothing on them."""
    return "\n" * text.count("\n")
