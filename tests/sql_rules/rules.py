"""The rules for one statement.

A check yields each fault as a text, or as a text and the UPDATE or DELETE that it is about.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pglast import ast
from pglast.enums.parsenodes import VariableSetKind
from pglast.stream import RawStream

from settings import check_settings, pins_search_path
from source import Fault, excerpt, nodes, option, qualified
from superuser import check_superuser

OUR_SCHEMAS = {"public", "media_sync"}


@dataclass(frozen=True)
class Rule:
    name: str
    reason: str
    check: Callable


def check_where(statement):
    """`safeupdate`'s rule: an UPDATE or DELETE has a WHERE, whatever it says, in CTEs too.

    The extension looks at `query->jointree->quals` of each query, and of its data-modifying CTEs. INSERT ... ON
    CONFLICT DO UPDATE, MERGE and TRUNCATE pass. The extension never sees SQL-standard bodies and the actions of rules,
    which PostgreSQL keeps analysed, nor what a migration itself runs as `postgres`: this check includes them.
    """
    for node in nodes(statement.node):
        if isinstance(node, (ast.UpdateStmt, ast.DeleteStmt)) and node.whereClause is None:
            verb = "UPDATE" if isinstance(node, ast.UpdateStmt) else "DELETE"
            yield f"{verb} without WHERE", node


def check_search_path(statement):
    """A definer pins its `search_path`; any other function of ours pins it, or has a SQL-standard body."""
    node = statement.node
    if isinstance(node, ast.CreateFunctionStmt):
        definer = bool(option(node.options, "security")) and option(node.options, "security").boolval
        schema, _ = qualified(node.funcname)
        if pins_search_path(node.options):
            return
        if definer:
            yield "a SECURITY DEFINER function without a pinned search_path"
        elif schema in OUR_SCHEMAS | {"?"} and node.sql_body is None:
            yield "a function with neither SET search_path nor a SQL-standard body"
    elif isinstance(node, ast.AlterFunctionStmt):
        definer = option(node.actions, "security")
        if definer and definer.boolval and not pins_search_path(node.actions):
            yield "ALTER FUNCTION ... SECURITY DEFINER without SET search_path beside it"
        elif unpins_search_path(node.actions):
            yield "ALTER FUNCTION takes the pinned search_path away"


def unpins_search_path(actions):
    settings = [each.arg for each in actions if each.defname == "set"]
    return any(each.kind == VariableSetKind.VAR_RESET_ALL for each in settings) or (
        any(each.name == "search_path" for each in settings) and not pins_search_path(actions)
    )


RULES = [
    Rule(
        "where",
        "Supabase preloads safeupdate for the Data API, which refuses an UPDATE or DELETE without WHERE, inside "
        "functions too.",
        check_where,
    ),
    Rule(
        "setting",
        "Migrations run as postgres, which is no superuser: it may not store a setting that no loaded extension "
        "defines (set_config() in the body needs nothing), nor set one of a superuser.",
        check_settings,
    ),
    Rule(
        "search-path",
        "A function that looks names up along its caller's search_path can be made to run the caller's objects.",
        check_search_path,
    ),
    Rule("superuser", "Migrations run as postgres, which is no superuser on Supabase.", check_superuser),
]


def faults_of(statement):
    """Yields the faults of one statement."""
    for rule in RULES:
        for found in rule.check(statement):
            what, node = found if isinstance(found, tuple) else (found, None)
            line = statement.line if node is None else line_of(node, statement)
            text = statement.text if node is None else RawStream()(node)
            source = statement.source
            yield Fault(source.file, line, statement.function, rule.name, what, excerpt(text), rule.reason)


def line_of(node, statement):
    """The line on which the table of an UPDATE or DELETE is named."""
    return statement.source.line_at(node.relation.location)
