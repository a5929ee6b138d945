"""Dynamic SQL whose text the source does not tell, as a reviewer has read it.

A function's name leads to the first word of each such place in all migrations, and to why none of them can break a
rule. The word is the one in the place's first string constant; it is empty for a place without one. A DO block goes by
`<file>: do block`. The check fails for a place that is not listed, and for an entry that is not needed any more.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reviewed:
    words: tuple
    reason: str


REVIEWED = {
    "media_sync.list_plan": Reviewed(
        ("explain",), "An EXPLAIN of a SELECT: the text is list_total's own constant, with conditions from list_filter."
    ),
    "media_sync.list_total": Reviewed(
        ("select",), "A SELECT of counts: the text is a constant, with conditions from list_filter."
    ),
    "media_sync.list_find": Reviewed(
        ("select", "select"),
        "A SELECT and its count: columns, directions and types come from list_order, conditions from list_filter.",
    ),
    "media_sync.make_list_view": Reviewed(
        ("create", "create"), "CREATE VIEW, twice: only the list of its quoted columns varies."
    ),
    "media_sync.list_facets": Reviewed(("with",), "A SELECT of counts: the text is a constant, with conditions from list_filter."),
    "media_sync.note": Reviewed(
        ("", ""),
        "An UPDATE of the rows that are named: its callers give constants, with numbers, and texts that format has quoted.",
    ),
    "media_sync.insert_assets": Reviewed(("insert",), "An INSERT: only the list of its quoted columns varies."),
    "media_sync.update_assets": Reviewed(
        ("update",), "An UPDATE of the rows that a plan names: only the list of its quoted columns varies."
    ),
    "20261127080900_media_collections.sql: do block": Reviewed(
        ("create",), "CREATE VIEW: only the list of its quoted columns varies."
    ),
    "public.media_audit": Reviewed(("select",), "A SELECT: its conditions are joined from constants of the function."),
    "public.media_events": Reviewed(("select",), "A SELECT: its conditions are joined from constants of the function."),
    "media_sync.broadcast_assets": Reviewed(
        ("select",), "A SELECT from transition tables: columns are quoted, and all else is constants of the function."
    ),
    "media_sync.offer_live_updates": Reviewed(
        ("alter",), "ALTER PUBLICATION ... ADD TABLE of one table: only the list of its quoted columns varies."
    ),
}
