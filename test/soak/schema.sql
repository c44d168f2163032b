-- What the soak is served.
create role authenticator login noinherit;
create role anon;
create role reader;
create role writer;
create role intruder;
create role alice;
create role bob;
create role carol;
grant anon, reader, writer, intruder, alice, bob, carol to authenticator;

create schema api;
grant usage on schema api to anon, reader, writer, intruder, alice, bob, carol;

-- never changes: every answer is known
create table api.makers (id integer primary key, name text not null);
insert into api.makers select n, 'maker ' || n from generate_series(1, 20) n;
create table api.items (id integer primary key, name text not null, maker integer not null references api.makers);
insert into api.items select n, 'item ' || n, n % 20 + 1 from generate_series(1, 2000) n;
create index on api.items (maker);
create view api.large as
  select n as id, repeat('x', 90) as filler from generate_series(1, 20000) n;
grant select on api.makers, api.items, api.large to anon, reader, writer, intruder;

-- each acknowledged write is found here at the end, and no refused one
create table api.journal (
  id text primary key,
  content integer not null check (content >= 0)
);
grant select, insert, update, delete on api.journal to writer, intruder;
grant select on api.journal to reader;
-- a hostile request without a filter, which is a lawful one, must not take the rows of the others
alter table api.journal enable row level security;
create policy others on api.journal to writer, reader using (true);
create policy see on api.journal for select to intruder using (true);
create policy add on api.journal for insert to intruder with check (true);
create policy change on api.journal for update to intruder using (id !~ '^(row|bulk|left|hostile)-') with check (true);
create policy remove on api.journal for delete to intruder using (id !~ '^(row|bulk|left|hostile)-');

-- each role sees its own rows only
create table api.notes (id integer primary key, owner name not null, body text not null);
insert into api.notes
  select n, (array['alice', 'bob', 'carol'])[n % 3 + 1], 'note ' || n from generate_series(1, 300) n;
alter table api.notes enable row level security;
create policy own on api.notes using (owner = current_user) with check (owner = current_user);
grant select, insert on api.notes to alice, bob, carol;

-- changes its columns, its rights and its existence under the requests
create table api.shifting (id integer primary key, fixed text not null);
insert into api.shifting select n, 'fixed ' || n from generate_series(1, 50) n;
grant select on api.shifting to anon, reader;

create function api.me() returns json stable language sql as $$
  select json_build_object(
    'role', current_user,
    'sub', current_setting('request.jwt.claims', true)::json->>'sub',
    'trace', current_setting('request.headers', true)::json->>'x-trace')
$$;
create function api.echo(value text) returns text stable language sql as 'select value';
create function api.add(a integer, b integer) returns integer immutable language sql as 'select a + b';
create function api.nap(seconds float8) returns text stable language plpgsql as $$
begin
  perform pg_sleep(seconds);
  return 'slept';
end $$;
create function api.measure(text) returns json immutable language sql as
  $$ select json_build_object('length', length($1), 'md5', md5($1)) $$;
-- leaves what a careless function can leave in a session
create function api.litter() returns text language plpgsql as $$
begin
  create temporary table left_over (n integer) on commit drop;
  insert into left_over select generate_series(1, 100);
  perform set_config('soak.left', 'over', false);
  perform pg_advisory_lock(4711);
  return (select count(*) from left_over);
end $$;
create function api.left() returns text stable language sql as
  $$ select coalesce(nullif(current_setting('soak.left', true), ''), 'nothing') $$;
