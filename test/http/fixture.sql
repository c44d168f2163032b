-- What most of the tests here are served: two roles, a table, and functions that run any SQL.
create role authenticator login noinherit;
create role anon;
create role clerk;
grant anon, clerk to authenticator;

create schema api;
grant usage on schema api to anon, clerk;

create table api.items (id integer primary key, name text not null);
insert into api.items select n, 'item ' || n from generate_series(1, 10) n;
grant select, insert, update, delete on api.items to anon, clerk;

create function api.whoami() returns text stable language sql as 'select current_user::text';

-- Runs a command; returns the role.
create function api.run(command text) returns text language plpgsql as $$
begin
  execute command;
  return current_user;
end $$;

-- The value of a query as text.
create function api.value(query text) returns text language plpgsql as $$
declare
  result text;
begin
  execute query into result;
  return result;
end $$;

create function api.sleep(seconds float8) returns text language plpgsql as $$
begin
  perform pg_sleep(seconds);
  return 'slept';
end $$;
create function api.nap(seconds float8) returns text stable language plpgsql as $$
begin
  perform pg_sleep(seconds);
  return 'slept';
end $$;
