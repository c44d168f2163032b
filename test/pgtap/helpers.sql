-- Included by every file here, inside its transaction: short ways to send a request and to look at the answer.
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
set client_min_messages = warning;
create extension if not exists pgrest;

-- A token of these claims.
create function pg_temp.token(claims json) returns text
  language sql as $$ select pgrest.sign(claims, 'mysecret') $$;

-- A request with a token of these claims (none: no token), and headers besides.
create function pg_temp.send(method text, path text, claims json default null, body text default null,
                             more jsonb default '{}',
                             out status int, out headers jsonb, out body text)
  language sql as $$
    select r.status, r.headers, r.body
      from pgrest.request(method, path,
             more || case when claims is null then '{}'
                          else jsonb_build_object('Authorization', 'Bearer ' || pg_temp.token(claims)) end,
             body) r $$;

-- The answer as one text: status, code of an error or else the body.
create function pg_temp.answer(method text, path text, claims json default null, body text default null,
                               more jsonb default '{}') returns text
  language plpgsql as $$
declare
  r record;
begin
  select * into r from pg_temp.send(method, path, claims, body, more);
  return r.status || case when r.status >= 400 then ' ' || coalesce(r.body::json ->> 'code', '')
                          when coalesce(r.body, '') = '' then ''
                          else ' ' || (r.body::jsonb)::text end;
end $$;
