"""Every statement of a migration: plain, in function bodies and in dynamic SQL, however deep."""

from pglast import ast, parse_sql
from pglast.parser import ParseError

import dynamic
import plpgsql
from source import Source, Statement, Unreadable, Unresolved, code_tokens, function_name, option, string_after


def read(source):
    """Yields the statements of a text and all that they hold: Statement, Unresolved or Unreadable."""
    try:
        raw = parse_sql(source.text)
    except ParseError as error:
        yield Unreadable(source, str(error))
        return
    for entry in raw:
        statement = placed(source, entry)
        yield statement
        yield from read_body(statement)


def placed(source, entry):
    """The statement with its own first character, after the blanks and comments before it."""
    begin = entry.stmt_location
    end = begin + entry.stmt_len if entry.stmt_len else len(source.text)
    tokens = code_tokens(source.text[begin:end])
    start = begin + (tokens[0].start if tokens else 0)
    return Statement(source, entry.stmt, start, end)


def read_body(statement):
    """Yields what the body of a function or of a DO block holds.

    A SQL-standard body (`begin atomic ...`, `return ...`) is part of the statement's own syntax tree.
    """
    node = statement.node
    if not isinstance(node, (ast.CreateFunctionStmt, ast.DoStmt)):
        return
    options = node.options if isinstance(node, ast.CreateFunctionStmt) else node.args
    body = option(options, "as")
    language = option(options, "language")
    language = language.sval if language else "plpgsql" if isinstance(node, ast.DoStmt) else "sql"
    if body is None or language not in ("sql", "plpgsql"):
        return
    body = body[0] if isinstance(body, tuple) else body
    begin = next(each.location for each in options if each.defname == "as") - statement.start
    inside = string_after(statement.text, begin)
    source = statement.source.inside(statement.start + inside, body.sval, function_name(node))
    if language == "sql":
        yield from read(source)
    else:
        yield from read_plpgsql(statement, source)


def read_plpgsql(statement, body):
    """Yields the statements and expressions of a PL/pgSQL body, and those of its dynamic SQL."""
    try:
        block = plpgsql.parse(statement, body)
    except ParseError as error:
        yield Unreadable(body, str(error))
        return
    for expression in block.expressions:
        yield from read(expression.source)
        if expression.is_dynamic:
            yield from read_dynamic(expression.source, block.variables)


def read_dynamic(source, variables):
    try:
        texts = dynamic.texts_of(source.text, variables)
    except dynamic.RunTime:
        yield Unresolved(source)
        return
    inside = string_after(source.text, 0)
    for text in texts:
        yield from read(Source(source.file, source.line_at(inside), text, source.function))
