"""Each rule catches what it is for, and nothing else."""

import unittest

from check import check
from planted import faults, in_plpgsql, rules
from reviewed import Reviewed

REFUSED = {
    "where": [
        "update public.t set a = 1;",
        "delete from public.t;",
        "update public.t set a = s.a from public.s;",
        "delete from public.t using public.s;",
        "with d as (delete from public.t returning a) insert into public.s select a from d;",
        "insert into public.s select 1; update only public.t set a = 1;",
    ],
    "setting": [
        "create function f() returns int language sql set search_path = '' set media_sync.flag = 'on' return 1;",
        "create function f() returns int language sql set pg_trgm.similarity_threshold = 1 return 1;",
        "create function f() returns int language sql set search_path = '' set log_statement = 'all' return 1;",
        "alter function f() set media_sync.flag = 'on';",
        "alter function f() reset media_sync.flag;",
        "alter role authenticated set media_sync.flag = 'on';",
        "alter role authenticated set log_min_duration_statement = 1;",
        "alter database postgres set media_sync.flag = 'on';",
        "set session_replication_role = replica;",
        "set local safeupdate.enabled = off;",
        "select set_config('safeupdate.enabled', 'off', true);",
        in_plpgsql("perform pg_catalog.set_config('safeupdate.enabled', 'off', true);"),
        in_plpgsql("v[1] := set_config('safeupdate.enabled', 'off', true);", declare="declare v text[];\n"),
        in_plpgsql("null;", declare="declare v text := set_config('safeupdate.enabled', 'off', true);\n"),
        in_plpgsql("raise exception '%', set_config('safeupdate.enabled', 'off', true);"),
        in_plpgsql("return set_config('safeupdate.enabled', 'off', true);", "text"),
    ],
    "search-path": [
        "create function public.f() returns int language sql security definer return 1;",
        "create function other.f() returns int language sql security definer as 'select 1';",
        "create function f() returns int language sql as 'select 1';",
        "create function media_sync.f() returns int language plpgsql set statement_timeout = 1 as 'begin end';",
        "create or replace procedure public.f() language plpgsql as 'begin end';",
        "create function f() returns int language sql set search_path from current as 'select 1';",
        "create function f() returns int language sql set search_path to default as 'select 1';",
        """create function f() returns int language sql set search_path = "$user", public as 'select 1';""",
        "alter function f() security definer;",
        "alter function f() reset search_path;",
        "alter function f() reset all;",
        in_plpgsql("execute format('create function %I.f() returns int language sql as ''select 1''', 'public');"),
    ],
    "superuser": [
        "create extension dblink;",
        "alter extension dblink update;",
        "alter system set work_mem = '1MB';",
        "create event trigger e on ddl_command_end execute function f();",
        "copy public.t from program 'true';",
        "copy public.t to '/tmp/t';",
        "create function f() returns int language c set search_path = '' as 'lib', 'f';",
        "create function f() returns int language plpython3u set search_path = '' as 'return 1';",
        "create function f() returns bool language sql leakproof set search_path = '' return true;",
        "do language plpython3u 'pass';",
        "create role r superuser;",
        "alter role r bypassrls;",
        "alter role r replication;",
        "alter role r nosuperuser;",
        "set session authorization supabase_admin;",
        "set role supabase_admin;",
        "alter function f() owner to supabase_admin;",
        "alter table public.t owner to supabase_auth_admin;",
        "alter schema media_sync owner to supabase_admin;",
        "create schema s authorization supabase_admin;",
        "reassign owned by postgres to supabase_admin;",
        "create policy p on auth.users using (true);",
        "create policy p on realtime.subscription using (true);",
        "alter policy p on auth.users using (true);",
        "alter table auth.users enable row level security;",
        "alter table realtime.messages enable row level security;",
        "alter table auth.users rename to people;",
        "create index i on auth.users (id);",
        "drop policy p on auth.users;",
        "drop table auth.users;",
        "alter table public.t disable trigger all;",
        "create publication p for all tables;",
        "alter publication p add tables in schema public;",
        "grant set on parameter media_sync.flag to postgres;",
        in_plpgsql("if true then execute format('alter table %I.users add a int', 'auth'); end if;"),
    ],
    "dynamic": [
        in_plpgsql("execute v;", declare="declare v text;\n"),
        in_plpgsql("execute 'select ' || v;", declare="declare v text;\n"),
        in_plpgsql("execute format('select %s', v);", declare="declare v text;\n"),
        in_plpgsql("execute format(v, 1);", declare="declare v text;\n"),
        in_plpgsql("execute format('select %-5s', 1);"),
        in_plpgsql("execute media_sync.text_of();"),
        in_plpgsql("return query execute v;", "setof integer", "declare v text;\n"),
    ],
}
ALLOWED = [
    # where
    "update public.t set a = 1 where true;",
    "delete from public.t where a = 1;",
    "insert into public.t values (1) on conflict (a) do update set a = 2;",
    "merge into public.t using public.s on t.a = s.a when matched then delete;",
    "truncate public.t;",
    "select 1 from public.t for update; select 'delete from public.t'; -- delete from public.t",
    "create trigger g before update or delete on public.t for each row execute function f();",
    "create table public.t (a int references public.s on delete cascade on update cascade);",
    "create policy p on public.t for update using (true);",
    "grant update, delete on public.t to authenticated;",
    in_plpgsql("delete from public.t where current of c;", declare="declare c cursor for select 1;\n"),
    in_plpgsql("raise exception 'delete from public.t'; /* update public.t set a = 1 */"),
    in_plpgsql("if tg_op = 'DELETE' then new.a := old.a; end if; return null;", "trigger"),
    # setting
    "create function f() returns int language sql set search_path = '' set enable_seqscan = off return 1;",
    "create function f() returns int language sql set search_path = '' set statement_timeout = '8s' return 1;",
    "alter role authenticated set statement_timeout = '8s';",
    "set local media_sync.flag = 'on'; set lock_timeout = 1; reset all;",
    in_plpgsql("perform set_config('media_sync.flag', 'on', true); set local media_sync.flag = 'off';"),
    # search-path
    "create function f() returns int language sql return 1;",
    "create function f() returns int language sql begin atomic; select 1; end;",
    "create function f() returns int language sql security definer set search_path = public, pg_temp as 'select 1';",
    "create function pg_temp.f() returns int language sql as 'select 1';",
    "alter function f() security definer set search_path = '';",
    "alter function f() stable; alter function f() security invoker; alter function f() reset statement_timeout;",
    # superuser
    "create extension if not exists pg_trgm with schema extensions;",
    "create schema media_sync; create schema s authorization postgres;",
    "create role r nologin nosuperuser; alter role r login;",
    "alter function f() owner to postgres; alter table public.t owner to current_user;",
    "set role authenticated; reset role; set session authorization default;",
    "create policy p on realtime.messages for select using (true);",
    "create policy p on public.t using (true); alter table media_sync.t add a int; alter table t add a int;",
    "create trigger g after insert on auth.users for each row execute function f();",
    "create type public.e as enum ('a'); create type public.c as (a int);",
    "create publication p for table public.t; alter publication p drop table public.t;",
    "alter table public.t disable trigger g; drop policy p on public.t; drop table if exists public.t, media_sync.s;",
    "copy public.t to stdout;",
    # dynamic
    in_plpgsql("execute 'select 1' into v using v;", declare="declare v int;\n"),
    in_plpgsql("execute format('select %s %% 2, %L', v + 1, v);", declare="declare v bigint;\n"),
    in_plpgsql("execute format('revoke all on function %s from public', f);", declare="declare f regprocedure;\n"),
    in_plpgsql("execute 'analyze ' || 'public.t'::regclass;"),
    in_plpgsql("execute case when true then 'select 1' end;"),
    in_plpgsql("execute k || 'limit ' || 1;", declare="declare k constant text := 'select 1 ';\n"),
]


class Rules(unittest.TestCase):
    def test_fault_is_caught_by_its_rule(self):
        for rule, texts in REFUSED.items():
            for text in texts:
                with self.subTest(rule=rule, text=text):
                    self.assertEqual(rules(text), [rule])

    def test_what_is_allowed_is_no_fault(self):
        for text in ALLOWED:
            with self.subTest(text=text):
                self.assertEqual([str(fault) for fault in faults(text)], [])

    def test_fault_names_file_line_function_and_statement(self):
        (fault,) = faults("select 1;\n" + in_plpgsql("with d as (\n  update public.t set a = 1 returning a) select;"))
        self.assertEqual(
            str(fault),
            "planted.sql:5: media_sync.planted: UPDATE without WHERE\n      UPDATE public.t SET a = 1 RETURNING a",
        )
        self.assertIn("safeupdate", fault.reason)


class Reload(unittest.TestCase):
    def reload_faults(self, text):
        return [fault.line for fault in check({"planted.sql": text}, {}) if fault.rule == "reload"]

    def test_migration_without_the_notification_is_a_fault(self):
        for text in (
            "",
            "select 1;",
            "notify pgrst;",
            "notify pgrst, 'reload config';",
            "notify other, 'reload schema';",
            "do $$ begin execute $x$ select 1; notify pgrst, 'reload schema'; $x$; end $$;",
        ):
            with self.subTest(text):
                self.assertEqual(self.reload_faults(text), [1])

    def test_notification_has_to_be_last(self):
        self.assertEqual(self.reload_faults("notify pgrst, 'reload schema';\nselect 1;"), [2])

    def test_migration_that_ends_with_the_notification_is_no_fault(self):
        self.assertEqual(self.reload_faults("select 1; NOTIFY pgrst, 'reload schema' -- the end\n;\n"), [])


class ReviewedPlaces(unittest.TestCase):
    ONE = in_plpgsql("execute 'select ' || v;", declare="declare v text;\n")
    TWO = in_plpgsql("execute 'select ' || v; execute format('delete from t %s', v);", declare="declare v text;\n")
    NONE = in_plpgsql("execute v;", declare="declare v text;\n")

    def whats(self, text, *words):
        return [fault.what for fault in faults(text, {"media_sync.planted": Reviewed(words, "read")})]

    def test_listed_place_is_no_fault(self):
        self.assertEqual(self.whats(self.ONE, "select"), [])
        self.assertEqual(self.whats(self.TWO, "delete", "select"), [])
        self.assertEqual(self.whats(self.NONE, ""), [])

    def test_place_beside_a_listed_one_is_a_fault(self):
        what = "known at run time only: 1 delete, 1 select; reviewed: 1 select"
        self.assertEqual(self.whats(self.TWO, "select"), [what])

    def test_place_that_does_something_else_is_a_fault(self):
        self.assertEqual(self.whats(self.ONE, "explain"), ["known at run time only: 1 select; reviewed: 1 explain"])

    def test_entry_without_a_place_is_a_fault(self):
        self.assertEqual(self.whats("select 1;", "select"), ["the entry is not needed any more"])
        self.assertEqual(
            self.whats(self.ONE, "select", "select"), ["known at run time only: 1 select; reviewed: 2 select"]
        )

    def test_place_in_a_do_block_goes_by_its_file(self):
        text = "do $$ declare v text; begin execute v; end $$;"
        self.assertEqual(rules(text), ["dynamic"])
        self.assertEqual(faults(text, {"planted.sql: do block": Reviewed(("",), "read")}), [])


if __name__ == "__main__":
    unittest.main()
