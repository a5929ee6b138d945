"""Links of the book: those that leave docs/ become text, all others stay."""

import unittest

from book_links import inside

PAGE = "guides/upload.md"


class Links(unittest.TestCase):
    def test_link_that_leaves_the_book_becomes_its_text(self):
        for text, kept in [
            ("Read [CHANGELOG.md](../../CHANGELOG.md).", "Read CHANGELOG.md."),
            ("[the map](../../ARCHITECTURE.md#the-map)", "the map"),
            ("[one](../../a.md) and [two](edit.md)", "one and [two](edit.md)"),
        ]:
            self.assertEqual(inside(text, PAGE), kept)

    def test_link_within_the_book_and_to_the_world_stays(self):
        for text in [
            "[Edit](edit.md#conflicts)",
            "[Install](../install.md)",
            "[above](#rules)",
            "[mdBook](https://rust-lang.github.io/mdBook/../x)",
            "a list[0] (see below)",
        ]:
            self.assertEqual(inside(text, PAGE), text)

    def test_page_at_the_top_is_left_by_one_step(self):
        self.assertEqual(inside("[local](../infra/local/README.md)", "getting-started.md"), "local")


if __name__ == "__main__":
    unittest.main()
