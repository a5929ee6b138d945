"""The SQL in a PL/pgSQL body: its statements, its expressions and its dynamic SQL."""

import re
from collections import Counter
from dataclasses import dataclass

from pglast import parse_plpgsql
from pglast.parser import ParseError

from source import Source, code_tokens

# Where the tree keeps an expression that is run as SQL: the statement and its field.
DYNAMIC = {
    ("PLpgSQL_stmt_dynexecute", "query"),
    ("PLpgSQL_stmt_dynfors", "query"),
    ("PLpgSQL_stmt_return_query", "dynquery"),
    ("PLpgSQL_stmt_open", "dynquery"),
}
# The parser's modes for an expression, and for assignments to one, two and three names.
EXPRESSION, ASSIGNMENTS = 2, {3, 4, 5}
# Words that change data: as many have to be found as the body has.
CHANGES = {"INSERT", "UPDATE", "DELETE_P", "MERGE", "TRUNCATE", "CALL"}
UNKNOWN_FIELD = re.compile(r'"([^".]+)\.[^"]*" is not a known variable')


@dataclass(frozen=True)
class Expression:
    """SQL of a body; `is_dynamic` when its value is run as SQL too."""

    source: Source
    is_dynamic: bool


@dataclass(frozen=True)
class Variable:
    """A variable's type, and the expression of a constant's value."""

    type: str
    constant: str | None


@dataclass(frozen=True)
class Block:
    expressions: list
    variables: dict


def parse(statement, body):
    """Reads the body of a CREATE FUNCTION or DO statement."""
    text = statement.text
    trees = tree_of(text)
    found = [expression for tree in trees for expression in visit(tree, body)]
    complain_of_missing(body.text, found)
    return Block(found, variables_of(trees))


def tree_of(text):
    """The syntax tree of a function.

    The parser sees no catalog, so it takes a variable of a row type for a scalar and refuses `name.field := ...`.
    Such a variable is declared a record, which changes nothing that is looked at here.
    """
    while True:
        try:
            return parse_plpgsql(text)
        except ParseError as error:
            unknown = UNKNOWN_FIELD.search(str(error))
            as_record = unknown and declared_record(text, unknown.group(1))
            if not as_record or as_record == text:
                raise
            text = as_record


def declared_record(text, name):
    """The text with the first declaration of `name` changed to a record, on the same lines."""
    kind = r'(?!record\b)[\w."]+(?:\s*%\s*(?:row)?type)?'
    end = r"\s*(?:;|:=|=|,|\)|\bdefault\b|\bnot\s+null\b)"
    declaration = rf"(\b{re.escape(name)}\s+){kind}(?={end})"
    return re.sub(declaration, r"\1record", text, count=1, flags=re.IGNORECASE)


def visit(tree, body, owner="", field="", line=1):
    """Yields the expressions below a node of the tree, with the line of the statement that holds each."""
    if isinstance(tree, list):
        for each in tree:
            yield from visit(each, body, owner, field, line)
    elif isinstance(tree, dict):
        line = tree.get("lineno", line)
        for key, value in tree.items():
            if key == "PLpgSQL_expr":
                yield Expression(sourced(value, body, line), (owner, field) in DYNAMIC)
            elif key.startswith("PLpgSQL_"):
                yield from visit(value, body, key, field, line)
            else:
                yield from visit(value, body, owner, key, line)


def sourced(expression, body, line):
    """The expression as a statement of its own, at its place in the body."""
    query = expression["query"]
    mode = expression.get("parseMode", 0)
    line_start = sum(len(each) for each in body.text.splitlines(keepends=True)[: line - 1])
    place = body.text.find(query, line_start)
    # A query with INTO is not in the body as it stands: then its first word tells where it begins.
    offset = place if place >= 0 else line_start
    if mode in ASSIGNMENTS:
        value = value_offset(query)
        offset, query = offset + (value if place >= 0 else 0), query[value:]
    if mode == EXPRESSION or mode in ASSIGNMENTS:
        query = "select " + query
    return body.inside(offset, query)


def value_offset(assignment):
    """The offset of what is assigned: behind the first `:=` or `=` outside of brackets."""
    depth = 0
    for token in code_tokens(assignment):
        text = assignment[token.start : token.end + 1]
        depth += (text in ("[", "(")) - (text in ("]", ")"))
        if depth == 0 and text in (":=", "="):
            return token.end + 1
    raise ParseError(f"no value is assigned: {assignment}")


def complain_of_missing(text, found):
    """Raises an error if the body has more statements that change data than were found in its tree."""
    there = words(text, CHANGES | {"EXECUTE"})
    seen = sum((words(each.source.text, CHANGES | {"EXECUTE"}) for each in found), Counter())
    seen["EXECUTE"] += sum(each.is_dynamic for each in found)
    missing = there - seen
    if missing:
        raise ParseError(f"the parser's tree left out {', '.join(sorted(missing))}")


def words(text, wanted):
    return Counter(token.name for token in code_tokens(text) if token.name in wanted)


def variables_of(trees):
    """The variables by name, without names that are declared more than once."""
    declared = {}
    for tree in trees:
        for datum in tree["PLpgSQL_function"]["datums"]:
            variable = datum.get("PLpgSQL_var")
            if variable:
                declared.setdefault(variable["refname"], []).append(variable)
    return {name: variable_of(each[0]) for name, each in declared.items() if len(each) == 1}


def variable_of(variable):
    value = variable.get("default_val", {}).get("PLpgSQL_expr", {}).get("query")
    kind = variable["datatype"]["PLpgSQL_type"]["typname"]
    return Variable(kind.strip().strip('"').split(".")[-1].strip('"'), value if variable.get("isconst") else None)
