"""A statement is found wherever it stands, on its line and with its function."""

import unittest

import plpgsql
from pglast.parser import ParseError
from planted import faults, in_plpgsql

FAULT = "delete from public.planted"
FUNCTION = "media_sync.planted"

PLAIN = {
    "a statement": FAULT,
    "a second statement after a comment": f"select 1;\n-- {FAULT}\n{FAULT}",
    "a common table expression": f"with gone as (\n{FAULT} returning *)\nselect count(*) from gone",
    "a second common table expression": f"with a as (select 1), b as (\n{FAULT} returning *) select from a, b",
    "EXPLAIN": f"explain\n{FAULT}",
    "PREPARE": f"prepare p as\n{FAULT}",
    "COPY": f"copy (\n{FAULT} returning *) to stdout",
    "the action of a rule": f"create rule r as on insert to public.t do also\n{FAULT}",
    "CREATE TABLE AS": f"create table public.t as with gone as (\n{FAULT} returning *) select * from gone",
    "text beyond ASCII": f"select 'é', '→';\n{FAULT}",
}
PLPGSQL = {
    "a body": f"{FAULT};",
    "a later line": f"perform 1;\n\n-- {FAULT}\n{FAULT};",
    "a common table expression with INTO": f"with gone as (\n{FAULT} returning *) select count(*) into v from gone;",
    "RETURNING INTO": f"{FAULT} returning id into v;",
    "a nested block": f"begin\nbegin\n{FAULT};\nend;\nend;",
    "an exception's handler": f"begin\nperform 1;\nexception when others then\n{FAULT};\nend;",
    "THEN": f"if true then\n{FAULT};\nend if;",
    "ELSIF": f"if true then\nelsif true then\n{FAULT};\nend if;",
    "ELSE": f"if true then\nelse\n{FAULT};\nend if;",
    "CASE WHEN": f"case v when 1 then\n{FAULT};\nelse null; end case;",
    "CASE ELSE": f"case when true then null; else\n{FAULT};\nend case;",
    "LOOP": f"loop\n{FAULT};\nexit;\nend loop;",
    "WHILE": f"while true loop\n{FAULT};\nend loop;",
    "a loop over numbers": f"for i in 1 .. 3 loop\n{FAULT};\nend loop;",
    "a loop over an array": f"foreach v in array array[1] loop\n{FAULT};\nend loop;",
    "a loop over rows": f"for r in select 1 loop\n{FAULT};\nend loop;",
    "a loop's query": f"for r in\n{FAULT} returning * loop null; end loop;",
    "a loop over a cursor": f"for r in c loop\n{FAULT};\nend loop;",
    "RETURN QUERY": f"return query\n{FAULT} returning id;",
    "OPEN": f"open c2 for\n{FAULT} returning *;",
    "a row's field": f"t.id := 1;\n{FAULT};",
    "EXECUTE": f"execute '\n{FAULT}';",
    "EXECUTE of a dollar-quoted text": f"execute $x$\n{FAULT}\n$x$;",
    "EXECUTE with INTO and USING": f"execute '\n{FAULT} returning id' into v using 1;",
    "EXECUTE of several statements": f"execute 'select 1;\n{FAULT}';",
    "EXECUTE of a concatenation": "execute '\ndelete ' || 'from ' || 'public.planted';",
    "EXECUTE of a quoted name": "execute '\ndelete from public.' || quote_ident(v::text);",
    "EXECUTE of a format": f"execute format('\n{FAULT}');",
    "EXECUTE of a format with a name": "execute format('\ndelete from public.%I', v);",
    "EXECUTE of a format with numbered places": "execute format('\n%2$s from public.%1$I', v, 'delete');",
    "EXECUTE of a choice": f"execute case when true then '\nselect 1' else '{FAULT}' end;",
    "EXECUTE of a constant": "execute k;",
    "a loop over EXECUTE": f"for r in execute '\n{FAULT} returning *' loop null; end loop;",
    "RETURN QUERY EXECUTE": f"return query execute '\n{FAULT} returning id';",
    "OPEN FOR EXECUTE": f"open c2 for execute '\n{FAULT} returning *';",
}
DECLARE = (
    "declare v integer; r record; t public.things; c cursor for select 1; c2 refcursor; "
    f"k constant text := '{FAULT}';\n"
)


class Depths(unittest.TestCase):
    def assert_found(self, text, function, line=None):
        found = faults(text)
        self.assertEqual([fault.rule for fault in found], ["where"], [str(fault) for fault in found])
        self.assertEqual(found[0].function, function)
        self.assertIn("DELETE FROM public.", found[0].statement)
        if line is None:
            line = next(n for n, each in enumerate(text.splitlines(), 1) if each.lstrip(" '").startswith("delete"))
        self.assertEqual(found[0].line, line, text)

    def test_plain_statement_is_found(self):
        for name, text in PLAIN.items():
            with self.subTest(name):
                self.assert_found(text + ";", "")

    def test_statement_in_plpgsql_is_found(self):
        for name, body in PLPGSQL.items():
            with self.subTest(name):
                text = in_plpgsql(body, "setof integer", DECLARE)
                # The text of these begins elsewhere than on the line of the DELETE.
                line = {"EXECUTE of a choice": 4, "EXECUTE of a constant": 4}.get(name)
                line = 5 if name == "EXECUTE of a format with numbered places" else line
                self.assert_found(text, FUNCTION, line)

    def test_statement_in_a_do_block_is_found(self):
        self.assert_found(f"do $$\nbegin\n{FAULT};\nend\n$$;", "do block")

    def test_statement_in_a_do_block_of_dynamic_sql_is_found(self):
        self.assert_found(in_plpgsql(f"execute $x$ do $y$ begin execute '\n{FAULT}'; end $y$ $x$;"), "do block")

    def test_statement_in_a_sql_function_is_found(self):
        for quote in ("$$", "$body$", "'"):
            with self.subTest(quote):
                begin = f"create function {FUNCTION}() returns void language sql set search_path = '' as {quote}"
                self.assert_found(f"{begin}\nselect 1;\n{FAULT};\n{quote};", FUNCTION)

    def test_statement_in_a_standard_body_is_found(self):
        begin = f"create function {FUNCTION}() returns void language sql begin atomic"
        self.assert_found(f"{begin}\nselect 1;\n{FAULT};\nend;", FUNCTION)

    def test_statement_in_a_procedure_is_found(self):
        begin = f"create procedure {FUNCTION}() language plpgsql set search_path = '' as $$ begin"
        self.assert_found(f"{begin}\n{FAULT};\nend $$;", FUNCTION)

    def test_statement_in_a_wrapped_migration_is_found(self):
        inner = {
            "": f"select 1;\n{FAULT};",
            FUNCTION: in_plpgsql(f"if true then\n{FAULT};\nend if;"),
            "do block": f"do $$ begin\n{FAULT};\nend $$;",
        }
        for function, text in inner.items():
            with self.subTest(function):
                self.assert_found(wrapped(text), function or "do block")

    def test_body_that_the_tree_does_not_show_in_full_is_a_fault(self):
        with self.assertRaisesRegex(ParseError, "left out DELETE_P"):
            plpgsql.complain_of_missing(f"begin {FAULT}; end", [])

    def test_sql_that_cannot_be_read_is_a_fault(self):
        for text in ("delete fro t;", in_plpgsql("delete fro t;"), in_plpgsql("execute 'delete fro t';")):
            with self.subTest(text):
                self.assertIn("readable", [fault.rule for fault in faults(text)])


def wrapped(text):
    """A migration in the form that is applied once."""
    return (
        "do $once$ begin if media_sync.begin_migration('20261122090000', 'planted') then execute $migration$\n"
        f"{text}\n$migration$; end if; end $once$;"
    )


if __name__ == "__main__":
    unittest.main()
