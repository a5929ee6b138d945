"""The linters find what they are there for, in the form that migrations have."""

import tempfile
import unittest
from pathlib import Path

from flatten import flatten
from linters import LAST_OF_THE_FIRST_INSTALLATION, spot, squawk

LATER = "20991231000000_planted.sql"
FIRST = "20261127080100_planted.sql"


def migration(body):
    return (
        "-- Planted.\ndo $once$ begin if media_sync.begin_migration('20991231000000', 'planted') then execute $migration$\n"
        f"set local search_path = pg_catalog, pg_temp;\n{body}\n$migration$; end if; end $once$;\n"
        "\nnotify pgrst, 'reload schema';\n"
    )


def found(linter, body, name=LATER):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(flatten(migration(body)), encoding="utf-8")
        return linter([str(file)])


class Squawk(unittest.TestCase):
    INDEX = "create index media_assets_planted on public.media_assets (format);"

    def test_index_that_stops_writers_of_a_live_table_is_a_fault(self):
        self.assertIn("require-concurrent-index-creation", found(squawk, self.INDEX))

    def test_column_that_a_live_table_cannot_take_is_a_fault(self):
        column = "alter table public.media_assets add column moderation text not null;"
        self.assertIn("adding-required-field", found(squawk, column))

    def test_lock_without_a_limit_is_a_fault_once_tables_are_in_use(self):
        column = "alter table public.media_assets add column moderation text;"
        self.assertIn("require-lock-timeout", found(squawk, column))
        self.assertEqual(found(squawk, column, FIRST), "")
        limits = "set local lock_timeout = '2s';\nset local statement_timeout = '60s';\n"
        self.assertEqual(found(squawk, limits + column), "")


    def test_marker_of_the_release_is_a_migration(self):
        folder = Path(__file__).parents[2] / "infra/supabase/migrations"
        self.assertEqual(len(list(folder.glob(f"{LAST_OF_THE_FIRST_INSTALLATION}_*.sql"))), 1)


class Spot(unittest.TestCase):
    BODY = "security definer set search_path = {} as $$ begin perform lower('a') || 'b'; end $$;"

    def definer(self, path):
        return "create function media_sync.planted() returns void language plpgsql " + self.BODY.format(path)

    def test_path_that_lets_temporary_types_come_first_is_a_fault(self):
        self.assertIn("PS004", found(spot, self.definer("''")))
        self.assertIn("PS004", found(spot, self.definer("public")))

    def test_fixed_path_is_no_fault(self):
        self.assertEqual(found(spot, self.definer("pg_catalog, pg_temp")), "")

    def test_row_variables_and_standard_bodies_are_read_past(self):
        text = (
            "create function media_sync.bound() returns text language sql return lower('a');\n"
            "create function media_sync.planted() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$\n"
            "declare v_row public.media_assets; begin v_row.folder := ''; end $$;\n"
        )
        self.assertEqual(found(spot, text), "")
        self.assertIn("PS003", found(spot, text + self.definer("public").replace("set search_path = public ", "")))


class Flatten(unittest.TestCase):
    def test_lines_keep_their_numbers(self):
        text = migration("select 1;")
        flat = flatten(text)
        self.assertEqual(flat.count("\n"), text.count("\n"))
        self.assertEqual(flat.splitlines().index("select 1;"), text.splitlines().index("select 1;"))


if __name__ == "__main__":
    unittest.main()
