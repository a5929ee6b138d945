"""Shared by the tests: checks a planted text, and gives its faults in a form that is easy to compare."""

from check import check

RELOAD = "\nnotify pgrst, 'reload schema';\n"


def faults(text, reviewed=None):
    """The faults of one migration that ends as it should."""
    return check({"planted.sql": text + RELOAD}, reviewed or {})


def rules(text):
    """The names of the rules that a migration breaks, in order of its lines."""
    return [fault.rule for fault in faults(text)]


def in_plpgsql(body, returns="void", declare=""):
    """A function of ours with this body."""
    return (
        f"create function media_sync.planted() returns {returns} language plpgsql set search_path = '' as $$\n"
        f"{declare}begin\n{body}\nend\n$$;"
    )
