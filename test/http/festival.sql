-- A festival: relations of every kind, functions of every kind. Served to a client library and to the tests of errors.
create role authenticator login noinherit;
create role anon;
create role clerk;
create role visitor;
grant anon, clerk, visitor to authenticator;

create schema api;
create schema archive;
grant usage on schema api, archive to anon, clerk, visitor;

create table api.venues (id int primary key, name text not null, city text);
create table api.stages (id int primary key, name text not null unique, venue_id int references api.venues, specs jsonb);
create table api.artists (id int primary key, name text not null, country text, fee numeric check (fee >= 0), tags text[]);
create table api.performances (
  id int primary key, day date not null, rating int,
  artist_id int not null references api.artists, stage_id int references api.stages);
create table api.genres (id int primary key, name text);
create table api.artist_genres (
  artist_id int references api.artists, genre_id int references api.genres, primary key (artist_id, genre_id));
create table api.shuttles (
  id int primary key,
  from_venue int constraint departs references api.venues,
  to_venue int constraint arrives references api.venues);
create table api.gate_log (what text);
create table api.closed (secret text);
create table archive.venues (id int primary key, name text);

insert into api.venues values (1, 'Castle', 'Graz'), (2, 'Harbour', 'Kiel'), (3, 'Mill', null);
insert into api.stages values (1, 'Court', 1, '{"power": 40}'), (2, 'Tower', 1, '{"power": 5}'), (3, 'Pier', 2, null);
insert into api.artists values
  (1, 'Ada', 'AT', 100, '{loud,brass}'), (2, 'Bo', 'DE', 250.50, '{quiet}'), (3, 'Cy', null, null, '{}');
insert into api.performances values
  (1, '2030-07-01', 5, 1, 1), (2, '2030-07-01', 3, 2, 1), (3, '2030-07-02', null, 1, 3), (4, '2030-07-03', 4, 3, null);
insert into api.genres values (1, 'jazz'), (2, 'folk');
insert into api.artist_genres values (1, 1), (1, 2), (2, 2);
insert into api.shuttles values (1, 1, 2);
insert into archive.venues values (9, 'Old fort');
grant select, insert, update, delete on all tables in schema api to anon, clerk;
grant select on archive.venues to anon;
revoke all on api.closed from anon, clerk;

create function api.add(a int, b int) returns int immutable language sql as 'select a + b';
create function api.twice(n int) returns int immutable language sql as 'select n * 2';
create function api.twice(n text) returns text immutable language sql as 'select n || n';
create function api.total(variadic n int[]) returns bigint immutable language sql as 'select sum(v) from unnest(n) v';
create function api.echo_text(text) returns text immutable language sql as 'select $1';
create function api.echo_json(json) returns json immutable language sql as 'select $1';
create function api.echo_bytes(bytea) returns bytea immutable language sql as 'select $1';
create function api.echo_number(int) returns int immutable language sql as 'select $1';
create function api.busy(min_rating int) returns setof api.performances stable language sql as
  'select * from api.performances where rating >= min_rating';
create function api.book(day date, artist int) returns api.performances language sql as
  'insert into api.performances values ((select max(id) + 1 from api.performances), day, null, artist, null) returning *';
create function api.tidy() returns void language sql as 'delete from api.gate_log';
create function api.nap(seconds float8) returns text stable language sql as $$ select 'slept' from pg_sleep(seconds) $$;
create function api.claims() returns json stable language sql as $$ select current_setting('request.jwt.claims')::json $$;
create function api.raise(state text, says text default 'raised', detail text default null, hint text default null) returns void
  language plpgsql as $$
begin
  raise exception using errcode = state, message = says, detail = coalesce(detail, ''), hint = coalesce(hint, '');
end $$;
create function api.setting(name text, value text) returns text language sql as 'select set_config(name, value, true)';
create function api.insert_while_reading() returns int language sql as
  $$ insert into api.gate_log values ('x') returning 1 $$;
