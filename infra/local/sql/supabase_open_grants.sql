-- What projects made before 2026-10-30 have: whatever the owner creates in `public` is everybody's, unless it is taken away.

alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
