-- Roles, row security, logins: the SQL of the classic tutorial, as it stands there, and what it must do.
begin;
\ir helpers.sql
set client_min_messages = warning;
create extension if not exists "uuid-ossp";
create extension if not exists pgcrypto;
set local search_path = public, pgrest, tap;
select * from no_plan();

-- ---------------------------------------------------------------- roles
create role anon;
create role authenticator noinherit;
grant anon to authenticator;

create role user123;
GRANT user123 TO authenticator;
create role stranger; -- not granted
-- the pre-request function of these tests; it gets its body below
create function check_user() returns void language sql as 'select';

create function whoami() returns text language sql as $$ select current_user::text $$;
grant usage on schema public to public;

select is(pg_temp.answer('POST', '/rpc/whoami'), '200 "anon"', 'without a token a request is anonymous');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "user123"}'), '200 "user123"', 'the claim role is the role');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"email": "a@b.c"}'), '200 "anon"', 'a token without role is anonymous');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "stranger"}'), '403 42501', 'a role that was not granted');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "nobody"}'), '401 22023', 'a role that does not exist');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "postgres"}'), '403 42501', 'not the superuser who asks');
select is(current_user, 'postgres', 'the role is put back');

-- ---------------------------------------------------------------- a role for each web user
CREATE TABLE chat (
  message_uuid    UUID PRIMARY KEY DEFAULT uuid_generate_v4(),
  message_time    TIMESTAMP NOT NULL DEFAULT now(),
  message_from    NAME      NOT NULL DEFAULT current_user,
  message_to      NAME      NOT NULL,
  message_subject VARCHAR(64) NOT NULL,
  message_body    TEXT
);

CREATE POLICY chat_policy ON chat
  USING ((message_to = current_user) OR (message_from = current_user))
  WITH CHECK (message_from = current_user);
ALTER TABLE chat ENABLE ROW LEVEL SECURITY;

create role jdoe;
create role mary;
grant jdoe, mary to authenticator;
grant select, insert on chat to jdoe, mary;

select is(pg_temp.answer('POST', '/chat', '{"role": "jdoe"}', '{"message_to": "mary", "message_subject": "Hello"}'),
          '201', 'a message is sent');
select is(pg_temp.answer('POST', '/chat', '{"role": "mary"}', '{"message_to": "user123", "message_subject": "Secret"}'),
          '201', 'another one, to somebody else');
select is(pg_temp.answer('GET', '/chat?select=message_from,message_subject', '{"role": "jdoe"}'),
          '200 [{"message_from": "jdoe", "message_subject": "Hello"}]', 'who sent it sees it, and only it');
select is(pg_temp.answer('GET', '/chat?select=message_subject&order=message_subject', '{"role": "mary"}'),
          '200 [{"message_subject": "Hello"}, {"message_subject": "Secret"}]', 'who sent or received sees both');
select is(pg_temp.answer('POST', '/chat', '{"role": "jdoe"}',
                         '{"message_from": "mary", "message_to": "jdoe", "message_subject": "Forged"}'),
          '403 42501', 'a forged sender is refused');
select is(count(*), 2::bigint, 'and nothing of it stays') from chat;
select is(pg_temp.answer('GET', '/chat'), '401 42501', 'anonymous has no right to the table');

-- ---------------------------------------------------------------- users who share a role
create role webuser;
grant webuser to authenticator;
create table letters (owner text default current_setting('request.jwt.claim.email', true), line text);
insert into letters values ('john@doe.com', 'to John'), ('jane@doe.com', 'to Jane');
alter table letters enable row level security;
create policy by_claim on letters
  using (owner = current_setting('request.jwt.claim.email', true));
grant select, insert on letters to webuser;

select is(pg_temp.answer('GET', '/letters?select=line', '{"role": "webuser", "email": "john@doe.com"}'),
          '200 [{"line": "to John"}]', 'John sees his rows');
select is(pg_temp.answer('GET', '/letters?select=line', '{"role": "webuser", "email": "jane@doe.com"}'),
          '200 [{"line": "to Jane"}]', 'Jane, with the same role, hers');
select is(pg_temp.answer('GET', '/letters', '{"role": "webuser"}'), '200 []', 'without the claim there are none');
select is(pg_temp.answer('POST', '/letters', '{"role": "webuser", "email": "john@doe.com"}',
                         '{"owner": "jane@doe.com", "line": "as Jane"}'),
          '403 42501', 'a row for somebody else is refused');

create function claims() returns json language sql as
  $$ select current_setting('request.jwt.claims', true)::json $$;
select is(pg_temp.answer('POST', '/rpc/claims', '{"role": "webuser", "n": 12345678901234567890, "a": {"b": [1]}}'),
          '200 {"a": {"b": [1]}, "n": 12345678901234567890, "role": "webuser"}', 'all claims, exactly');
select is(pg_temp.answer('POST', '/rpc/claims'), '200 {"role": "anon"}', 'the role in force, without a token too');
select is(coalesce(current_setting('request.jwt.claims', true), ''), '', 'no claims are left behind');
select is(coalesce(current_setting('request.jwt.claim.email', true), ''), '', 'nor a single claim');

-- ---------------------------------------------------------------- hybrid roles
CREATE ROLE user000 NOLOGIN;
GRANT webuser TO user000;
GRANT user000 TO authenticator;

select is(pg_temp.answer('GET', '/letters?select=line', '{"role": "user000", "email": "john@doe.com"}'),
          '200 [{"line": "to John"}]', 'a user role may do what its group may');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "user000"}'), '200 "user000"', 'and is itself');

-- ---------------------------------------------------------------- custom validation
CREATE OR REPLACE FUNCTION check_user() RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  IF current_user = 'evil_user' THEN
    RAISE EXCEPTION 'No, you are evil'
      USING HINT = 'Stop being so evil and maybe you can log in';
  END IF;
END
$$;
create role evil_user;
grant evil_user to authenticator;

select is(status, 400, 'pre-request refuses a request')
  from pg_temp.send('POST', '/rpc/whoami', '{"role": "evil_user"}');
select is(body::jsonb,
          '{"code": "P0001", "message": "No, you are evil", "details": null,
            "hint": "Stop being so evil and maybe you can log in"}', 'with its message and hint')
  from pg_temp.send('POST', '/rpc/whoami', '{"role": "evil_user"}');
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "user123"}'), '200 "user123"', 'and lets others pass');

-- ---------------------------------------------------------------- a token from SQL
CREATE TYPE jwt_token AS (
  token text
);

CREATE FUNCTION jwt_test() RETURNS public.jwt_token
    LANGUAGE sql
    AS $$
  SELECT sign(
    row_to_json(r), 'mysecret'
  ) AS token
  FROM (
    SELECT
      'my_role'::text as role,
      extract(epoch from now())::integer + 300 AS exp
  ) r;
$$;
create role my_role;
grant my_role to authenticator;
grant usage on schema pgrest to anon;

create temporary table got on commit drop as select * from pg_temp.send('POST', '/rpc/jwt_test');
select is(status, 200, 'the token function answers') from got;
select ok((select valid and payload ->> 'role' = 'my_role' from verify(body::json ->> 'token', 'mysecret')),
          'with a valid token') from got;
select is(r.status || r.body, '200"my_role"', 'which is accepted')
  from got, pgrest.request('POST', '/rpc/whoami', jsonb_build_object('Authorization', 'Bearer ' || (got.body::json ->> 'token'))) r;
select is(r.status, 401, 'but not when a letter of it is changed')
  from got, pgrest.request('POST', '/rpc/whoami', jsonb_build_object('Authorization', 'Bearer ' || (got.body::json ->> 'token') || 'x')) r;
select is(pg_temp.answer('POST', '/rpc/whoami', '{"role": "user123", "exp": 1000}'), '401 PGRST303', 'an expired token is refused');
select is((pgrest.request('POST', '/rpc/whoami', jsonb_build_object('Authorization',
            'Bearer ' || sign('{"role": "user123"}', 'another secret')))).status, 401, 'and one of another secret');
select is((pgrest.request('POST', '/rpc/whoami', jsonb_build_object('Authorization', 'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoidXNlcjEyMyJ9.'))).status,
          401, 'and one without signature');

-- the secret as a property of the database
set local "app.jwt_secret" TO 'mysecret';
create function jwt_from_setting() returns jwt_token language sql as $$
  SELECT sign(
    row_to_json(r), current_setting('app.jwt_secret')
  ) AS token
  FROM (select 'my_role' as role) r $$;
select ok((select valid from verify(body::json ->> 'token', 'mysecret')), 'a token with the secret of a setting')
  from pg_temp.send('POST', '/rpc/jwt_from_setting');

-- ---------------------------------------------------------------- users and passwords
create schema if not exists basic_auth;

create table if not exists
basic_auth.users (
  email    text primary key check ( email ~* '^.+@.+\..+$' ),
  pass     text not null check (length(pass) < 512),
  role     name not null check (length(role) < 512)
);

create or replace function
basic_auth.check_role_exists() returns trigger
  language plpgsql
  as $$
begin
  if not exists (select 1 from pg_roles as r where r.rolname = new.role) then
    raise foreign_key_violation using message =
      'unknown database role: ' || new.role;
    return null;
  end if;
  return new;
end
$$;

drop trigger if exists ensure_user_role_exists on basic_auth.users;
create constraint trigger ensure_user_role_exists
  after insert or update on basic_auth.users
  for each row
  execute procedure basic_auth.check_role_exists();

create extension if not exists pgcrypto;

create or replace function
basic_auth.encrypt_pass() returns trigger
  language plpgsql
  as $$
begin
  if tg_op = 'INSERT' or new.pass <> old.pass then
    new.pass = crypt(new.pass, gen_salt('bf'));
  end if;
  return new;
end
$$;

drop trigger if exists encrypt_pass on basic_auth.users;
create trigger encrypt_pass
  before insert or update on basic_auth.users
  for each row
  execute procedure basic_auth.encrypt_pass();

create or replace function
basic_auth.user_role(email text, pass text) returns name
  language plpgsql
  as $$
begin
  return (
  select role from basic_auth.users
   where users.email = user_role.email
     and users.pass = crypt(user_role.pass, users.pass)
  );
end;
$$;

create role author;
grant author to authenticator;
insert into basic_auth.users values ('foo@bar.com', 'foobar', 'author');

select isnt(pass, 'foobar', 'a password is not stored as it is') from basic_auth.users;
select is(pass, crypt('foobar', pass), 'but hashed') from basic_auth.users;
create temporary table before on commit drop as select pass from basic_auth.users;
update basic_auth.users set email = 'foo@bar.com';
select is(users.pass, before.pass, 'an update of something else does not hash again') from basic_auth.users, before;
update basic_auth.users set pass = 'barfoo';
select is(basic_auth.user_role('foo@bar.com', 'barfoo'), 'author'::name, 'a new password is hashed too');
update basic_auth.users set pass = 'foobar';
select throws_ok($$ insert into basic_auth.users values ('x@y.z', 'pass', 'no_such_role') $$, '23503',
                 'unknown database role: no_such_role', 'a user needs a role that exists');
select throws_ok($$ insert into basic_auth.users values ('nonsense', 'pass', 'author') $$, '23514', null, 'and an address');

-- ---------------------------------------------------------------- login
create type basic_auth.jwt_token as (token text);

create or replace function
login(email text, pass text) returns basic_auth.jwt_token
  language plpgsql
  as $$
declare
  _role name;
  result basic_auth.jwt_token;
begin
  -- check email and password
  select basic_auth.user_role(email, pass) into _role;
  if _role is null then
    raise invalid_password using message = 'invalid user or password';
  end if;

  select sign(
      row_to_json(r), 'mysecret'
    ) as token
    from (
      select _role as role, login.email as email,
         extract(epoch from now())::integer + 60*60 as exp
    ) r
    into result;
  return result;
end;
$$;

grant usage on schema public, basic_auth to anon;
grant select on table pg_authid, basic_auth.users to anon;
grant execute on function login(text,text) to anon;

truncate got;
insert into got select * from pg_temp.send('POST', '/rpc/login', null, '{ "email": "foo@bar.com", "pass": "foobar" }');
select is(status, 200, 'the right password logs in') from got;
select is((select string_agg(key, ',') from json_object_keys(body::json) key), 'token', 'the answer is an object with the token')
  from got;
select is(r.status || r.body, '200"author"', 'the token is the user')
  from got, pgrest.request('POST', '/rpc/whoami', jsonb_build_object('Authorization', 'Bearer ' || (got.body::json ->> 'token'))) r;
select is(body::jsonb ->> 'message', 'invalid user or password', 'a wrong password is told so')
  from pg_temp.send('POST', '/rpc/login', null, '{ "email": "foo@bar.com", "pass": "wrong" }');
select is(pg_temp.answer('POST', '/rpc/login', null, '{ "email": "foo@bar.com", "pass": "wrong" }'), '403 28P01',
          'with status 403');
select is(pg_temp.answer('POST', '/rpc/login', null, '{ "email": "no@body.com", "pass": "foobar" }'), '403 28P01',
          'an unknown user likewise');

-- ---------------------------------------------------------------- schema isolation
select is(pg_temp.answer('GET', '/users'), '404 PGRST205', 'a table of another schema has no address');
select is(pg_temp.answer('GET', '/basic_auth.users'), '404 PGRST205', 'nor with its schema');
select is(pg_temp.answer('POST', '/rpc/user_role', null, '{"email": "", "pass": ""}'), '404 PGRST202', 'nor has a function');
select is(pg_temp.answer('GET', '/users', null, null, '{"Accept-Profile": "basic_auth"}'), '406 PGRST106',
          'a schema that is not exposed cannot be chosen');

create view public.members as select email, role from basic_auth.users;
grant select on members to anon;
select is(pg_temp.answer('GET', '/members'), '200 [{"role": "author", "email": "foo@bar.com"}]',
          'a view of the exposed schema may show what it likes');

select * from finish();
rollback;
