"""The texts that an EXECUTE may run, as far as the source tells them.

Names and values that are known only at run time are replaced by stand-ins, where they are quoted or of a type whose
text is harmless. Any other text is known at run time only.
"""

import re
from itertools import product

from pglast import ast, parse_sql

# Stand-ins: a name, a string, a number.
NAME, STRING, NUMBER = '"?"', "'?'", "1"
NUMBERS = {"smallint", "integer", "bigint", "int", "int2", "int4", "int8", "numeric", "oid"}
NAMES = {"regclass", "regproc", "regprocedure", "regtype", "regrole", "regnamespace"}
QUOTING = {"quote_ident": NAME, "quote_literal": STRING, "quote_nullable": STRING}
SPECIFIER = re.compile(r"%(?:(?P<place>\d+)\$)?(?P<kind>[sIL%])")
MOST = 200


class RunTime(Exception):
    """The text depends on what is known at run time only."""


def texts_of(query, variables):
    """The texts that `select <expression>` may come to; raises RunTime if the source does not tell."""
    return list(dict.fromkeys(texts(value_of(query), variables)))


def value_of(query):
    return parse_sql(query)[0].stmt.targetList[0].val


def texts(node, variables):
    """The texts that an expression may come to."""
    if isinstance(node, ast.A_Const):
        return [constant(node)]
    if isinstance(node, ast.CaseExpr):
        results = [when.result for when in node.args] + ([node.defresult] if node.defresult else [])
        rest = [] if node.defresult else [""]
        return [text for each in results for text in texts(each, variables)] + rest
    if isinstance(node, ast.CoalesceExpr):
        return [text for each in node.args for text in texts(each, variables)]
    if is_operator(node, "||"):
        return joined(texts(node.lexpr, variables), texts(node.rexpr, variables))
    if isinstance(node, ast.FuncCall):
        return called(node, variables)
    if isinstance(node, ast.ColumnRef) and constant_of(node, variables):
        return texts(value_of("select " + constant_of(node, variables)), variables)
    if isinstance(node, ast.TypeCast) and type_of(node, variables) in {"text", "varchar"}:
        return texts(node.arg, variables)
    return [harmless(node, variables)]


def constant(node):
    if node.isnull:
        return ""
    value = node.val
    return value.sval if isinstance(value, ast.String) else str(getattr(value, list(value)[0]))


def joined(*parts):
    """Every concatenation of one text of each part."""
    found = ["".join(each) for each in product(*parts)]
    if len(found) > MOST:
        raise RunTime
    return found


def called(node, variables):
    name = node.funcname[-1].sval
    if name in QUOTING:
        return [QUOTING[name]]
    if name == "format" and node.args and not node.func_variadic:
        template, *values = node.args
        return [text for each in texts(template, variables) for text in formatted(each, values, variables)]
    return [harmless(node, variables)]


def formatted(template, values, variables):
    """The texts that `format(template, values...)` may come to."""
    if "%" in SPECIFIER.sub("", template):
        raise RunTime
    parts, end, used = [], 0, 0
    for match in SPECIFIER.finditer(template):
        parts.append([template[end : match.start()]])
        end = match.end()
        if match["kind"] == "%":
            parts.append(["%"])
            continue
        used = int(match["place"]) if match["place"] else used + 1
        if used > len(values):
            raise RunTime
        parts.append(spliced(match["kind"], values[used - 1], variables))
    return joined(*parts, [template[end:]])


def spliced(kind, value, variables):
    """The texts that one value takes in a format: as it is, as a name, or as a string."""
    if kind == "s":
        return texts(value, variables)
    stand_in, quote = (NAME, '"') if kind == "I" else (STRING, "'")
    try:
        known = texts(value, variables)
    except RunTime:
        return [stand_in]
    return [stand_in if text == stand_in else quote + text.replace(quote, quote * 2) + quote for text in known]


def harmless(node, variables):
    """A stand-in for a value whose type makes its text a number or a quoted name."""
    kind = type_of(node, variables)
    if kind in NUMBERS:
        return NUMBER
    if kind in NAMES:
        return NAME
    raise RunTime


def type_of(node, variables):
    """The type of an expression, where it is plain to see."""
    if isinstance(node, ast.TypeCast):
        return None if node.typeName.arrayBounds else node.typeName.names[-1].sval
    if isinstance(node, ast.ColumnRef):
        variable = variable_of(node, variables)
        return variable.type if variable else None
    if isinstance(node, ast.A_Const) and isinstance(node.val, (ast.Integer, ast.Float)):
        return "numeric"
    if any(is_operator(node, sign) for sign in "+-*/"):
        both = {type_of(node.lexpr, variables), type_of(node.rexpr, variables)}
        return "numeric" if both <= NUMBERS else None
    return None


def is_operator(node, name):
    return isinstance(node, ast.A_Expr) and node.name[-1].sval == name and node.lexpr is not None


def variable_of(node, variables):
    names = node.fields
    return variables.get(names[0].sval) if len(names) == 1 and isinstance(names[0], ast.String) else None


def constant_of(node, variables):
    variable = variable_of(node, variables)
    return variable.constant if variable else None
