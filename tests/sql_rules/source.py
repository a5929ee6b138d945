"""Pieces of SQL, each with its place in a migration."""

import re
from dataclasses import dataclass, field

from pglast import ast
from pglast.parser import scan

COMMENTS = {"SQL_COMMENT", "C_COMMENT"}
STRINGS = {"SCONST", "USCONST"}


@dataclass(frozen=True)
class Source:
    """A text in a file; `line` is the file's line of the text's first character."""

    file: str
    line: int
    text: str
    function: str = ""

    def line_at(self, offset):
        return self.line + self.text.count("\n", 0, offset)

    def inside(self, offset, text, function=None):
        """The source of a text that begins at `offset` of this one."""
        function = self.function if function is None else function
        return Source(self.file, self.line_at(offset), text, function)


@dataclass(frozen=True)
class Statement:
    """A parsed statement; `start` and `end` are its offsets in the source."""

    source: Source
    node: ast.Node
    start: int
    end: int

    @property
    def text(self):
        return self.source.text[self.start : self.end]

    @property
    def line(self):
        return self.source.line_at(self.start)

    @property
    def function(self):
        """The function that holds the statement, or that it creates."""
        return function_name(self.node) or self.source.function


@dataclass(frozen=True)
class Unresolved:
    """Dynamic SQL whose text is known only when it runs."""

    source: Source


@dataclass(frozen=True)
class Unreadable:
    """SQL that could not be parsed, so that no rule could look at it."""

    source: Source
    error: str


@dataclass(frozen=True)
class Fault:
    """A breach of a rule, in the words that the developer reads."""

    file: str
    line: int
    function: str
    rule: str
    what: str
    statement: str = field(compare=False, default="")
    reason: str = field(compare=False, default="")

    def __str__(self):
        place = f"{self.file}:{self.line}: " + (f"{self.function}: " if self.function else "")
        return place + self.what + (f"\n      {self.statement}" if self.statement else "")


def excerpt(text, most=160):
    """The text on one line, cut short."""
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= most else text[: most - 3] + "..."


def function_name(node):
    """The qualified name of the function that a statement creates or alters, or nothing."""
    if isinstance(node, ast.CreateFunctionStmt):
        return ".".join(qualified(node.funcname))
    if isinstance(node, ast.AlterFunctionStmt):
        return ".".join(qualified(node.func.objname))
    return "do block" if isinstance(node, ast.DoStmt) else ""


def qualified(names):
    """A name as (schema, name); a name without a schema is one of `public`."""
    names = [part.sval for part in names]
    return ("public", names[0]) if len(names) == 1 else (names[-2], names[-1])


def option(options, name):
    """The value of an option of a statement, or nothing."""
    return next((each.arg for each in options or () if each.defname == name), None)


def nodes(value):
    """Yields every node of a syntax tree."""
    if isinstance(value, ast.Node):
        yield value
        for name in value:
            yield from nodes(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from nodes(each)


def code_tokens(text):
    """The tokens of a text, without its comments."""
    return [token for token in scan(text) if token.name not in COMMENTS]


def string_after(text, offset):
    """The offset of the contents of the first string constant at or after an offset."""
    for token in scan(text):
        if token.name in STRINGS and token.start >= offset:
            return token.start + len(re.match(r"\$\w*\$|[^']*'", text[token.start :]).group())
    return offset
