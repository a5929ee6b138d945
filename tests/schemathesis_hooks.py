"""Leaves out what Schemathesis takes for wrong and is right: see tests/flows/front/mod.rs."""

import schemathesis

# Lists of any words, separated by commas. One word is a list of one: `tags=true` asks for the tag `true`.
LISTS_OF_WORDS = {"asset_ids", "delivery_type", "format", "public_ids", "tags"}


@schemathesis.hook
def filter_query(context, query):
    words = [value for name, value in (query or {}).items() if name in LISTS_OF_WORDS]
    return all(isinstance(word, list) or word == "" for word in words)
