"""Makes plain text of the links that leave docs/: a step of `make book`, for the book holds only the pages of docs/.

mdbook calls it as a preprocessor: `[context, book]` comes on stdin, the changed book goes to stdout.
"""

import json
import posixpath
import re
import sys

# `[text](target)`; pages have neither images nor links of other kinds.
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def inside(text, page):
    """The text of a page without links to what the book does not have."""
    folder = posixpath.dirname(page)

    def kept(link):
        leaves = "://" not in link[2] and posixpath.normpath(posixpath.join(folder, link[2])).startswith("../")
        return link[1] if leaves else link[0]

    return LINK.sub(kept, text)


def chapters(items):
    for item in items:
        if "Chapter" in item:
            yield item["Chapter"]
            yield from chapters(item["Chapter"]["sub_items"])


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    for chapter in chapters(book["items"]):
        if chapter["source_path"]:
            chapter["content"] = inside(chapter["content"], chapter["source_path"])
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    main()
