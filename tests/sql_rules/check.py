"""Checks migrations: their texts in, their faults out."""

import re
from collections import Counter

from pglast import ast

from rules import faults_of
from source import Fault, Source, Statement, Unreadable, excerpt, string_after
from statements import read

RELOAD = "The Data API answers 404 for new tables and functions until it is told to read the schema again."
READABLE = "No rule can be applied to SQL that is not read."
REVIEW = "The text of dynamic SQL has to be known, or reviewed and listed in reviewed.py."


def check(files, reviewed):
    """The faults of the migrations, given as texts by file name, in order of file and line."""
    faults, places = set(), {}
    for file, text in files.items():
        found = list(read(Source(file, 1, text)))
        for each in found:
            if isinstance(each, Statement):
                faults.update(faults_of(each))
            elif isinstance(each, Unreadable):
                faults.add(unreadable(each))
            else:
                places.setdefault(key(each.source), []).append(each.source)
        faults.update(check_reload(file, text, found))
    faults.update(check_reviewed(places, reviewed))
    return sorted(faults, key=lambda fault: (fault.file, fault.line, fault.rule, fault.what))


def unreadable(found):
    source = found.source
    what = f"not read: {found.error}"
    return Fault(source.file, source.line, source.function, "readable", what, excerpt(source.text), READABLE)


def key(source):
    """The name by which the table of reviewed places knows a place."""
    return f"{source.file}: {source.function}" if source.function == "do block" else source.function


def check_reload(file, text, found):
    """The last statement of a migration makes PostgREST read the schema again."""
    top = [each for each in found if isinstance(each, Statement) and each.source.text == text]
    last = top[-1] if top else None
    node = last.node if last else None
    if not isinstance(node, ast.NotifyStmt) or (node.conditionname, node.payload) != ("pgrst", "reload schema"):
        line = last.line if last else 1
        what = "the file does not end with: notify pgrst, 'reload schema'"
        yield Fault(file, line, "", "reload", what, excerpt(last.text if last else ""), RELOAD)


def check_reviewed(places, reviewed):
    """Places that are not listed, and entries of the list that do not fit."""
    for name, sources in places.items():
        seen = Counter(first_word(source.text) for source in sources)
        entry = reviewed.get(name)
        listed = Counter(entry.words if entry else ())
        if seen != listed:
            what = f"known at run time only: {told(seen)}; reviewed: {told(listed)}"
            source = next((each for each in sources if first_word(each.text) in seen - listed), sources[0])
            yield Fault(source.file, source.line, source.function, "dynamic", what, excerpt(source.text), REVIEW)
    for name in reviewed.keys() - places.keys():
        yield Fault("reviewed.py", 1, name, "dynamic", "the entry is not needed any more", "", REVIEW)


def first_word(query):
    """The first word in the first string constant of an expression, or nothing."""
    begin = string_after(query, 0)
    word = re.match(r"\s*(\w+)", query[begin:]) if begin else None
    return word.group(1).lower() if word else ""


def told(words):
    return ", ".join(f"{count} {word or 'text'}" for word, count in sorted(words.items())) or "nothing"
