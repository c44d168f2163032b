-- docs/user-management.md: its SQL, run as it stands there, and what it must do. Requests are in test/http.
begin;
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
set client_min_messages = warning;
copy (select 'a secret of the tests, 32 bytes or more') to program 'cat >jwt.secret';

\set document `bash -c '. "$0/script/lib.sh"; blocks_of user-management.md sql' :'root'`
\o /dev/null
:document
\o
set local search_path = public, tap;
select * from no_plan();

-- ---------------------------------------------------------------- what the tests need
-- Calls a function of the API as a client would: its role, the claims of its token, and the status it answers with.
create function pg_temp.call(name text, arguments jsonb default '{}', claims json default '{"role": "anon"}',
                             out status text, out answer json)
  language plpgsql as $$
declare
  claim record;
begin
  for claim in select key, value from json_each_text('{"sub": "", "sid": "", "jti": ""}')
               union all select key, value from json_each_text(claims) loop
    perform set_config('request.jwt.claim.' || claim.key, claim.value, true);
  end loop;
  perform set_config('response.status', '', true), set_config('response.headers', '', true);
  perform set_config('role', claims ->> 'role', true);
  perform hooks.check_token();
  execute format('select to_json(api.%I(%s))', name,
                 (select string_agg(format('%I => %L', key, value), ', ') from jsonb_each_text(arguments))) into answer;
  perform set_config('role', 'none', true);
  status := current_setting('response.status');
end $$;

create function pg_temp.status(name text, arguments jsonb, claims json default '{"role": "anon"}') returns text
  language sql as $$ select (pg_temp.call(name, arguments, claims)).status $$;

create function pg_temp.claims(answer json) returns json
  language sql as $$ select payload from pgrest.verify(answer ->> 'token', 'a secret of the tests, 32 bytes or more') $$;

create function pg_temp.letter() returns text language sql as $$
  with taken as (delete from accounts.letters returning id, token) select token from taken order by id desc limit 1 $$;

-- An hour, or another time, passes for everything that is stored.
create function pg_temp.pass_time(passed interval) returns void language sql as $$
  update accounts.letter_tokens set issued = issued - passed, expires = expires - passed;
  update accounts.refresh_tokens set expires = expires - passed;
  update accounts.sessions set expires = expires - passed;
  update accounts.revoked_tokens set expires = expires - passed;
  update accounts.failures set at = at - passed;
  update accounts.letters set written = written - passed;
  update accounts.users set created = created - passed;
$$;

-- ---------------------------------------------------------------- rights
select is_empty($$ select c.oid::regclass from pg_class c
                    where relnamespace in ('accounts'::regnamespace, 'api'::regnamespace)
                      and relkind in ('r', 'p') and not relrowsecurity $$, 'row security is on everywhere');
select set_eq($$ select rolname::text collate "default", p.oid::regprocedure::text from pg_proc p, pg_roles r
                  where pronamespace in ('accounts'::regnamespace, 'api'::regnamespace, 'hooks'::regnamespace)
                    and rolname in ('anon', 'webuser', 'mailer', 'authenticator')
                    and has_function_privilege(r.oid, p.oid, 'execute') $$,
  $$ values ('anon', 'api.sign_up(text,text)'), ('anon', 'api.validate_email(text,text)'),
            ('anon', 'api.login(text,text)'), ('anon', 'api.refresh(text)'), ('anon', 'api.request_reset(text)'),
            ('anon', 'api.reset_password(text,text)'), ('anon', 'hooks.check_token()'),
            ('webuser', 'api.logout()'), ('webuser', 'api.change_password(text,text)'),
            ('webuser', 'hooks.check_token()') $$, 'who may call what');
select set_eq($$ select rolname::text collate "default", c.oid::regclass::text from pg_class c, pg_roles r
                  where relnamespace in ('accounts'::regnamespace, 'api'::regnamespace) and relkind in ('r', 'p', 'v')
                    and rolname in ('anon', 'webuser', 'mailer', 'authenticator')
                    and has_any_column_privilege(r.oid, c.oid, 'select, insert, update') $$,
  $$ values ('webuser', 'api.notes'), ('mailer', 'accounts.letters') $$, 'who may see what');
select is_empty($$ select rolname from pg_roles where rolname in ('anon', 'webuser', 'authenticator')
                    and has_schema_privilege(oid, 'accounts', 'usage, create') $$, 'clients have no way into accounts');
select is_empty($$ select p.oid::regprocedure from pg_proc p
                    where pronamespace in ('accounts'::regnamespace, 'api'::regnamespace, 'hooks'::regnamespace)
                      and (proowner <> 'keeper'::regrole or proconfig is distinct from '{"search_path=pg_catalog, pg_temp"}') $$,
  'each function belongs to keeper and has a search path of its own');
select is((select relpersistence from pg_class where oid = 'accounts.letters'::regclass), 'u', 'letters are unlogged');

-- ---------------------------------------------------------------- sign-up and validation
select is(pg_temp.status('sign_up', '{"email": "a@b.c", "pass": "too short"}'), '400', 'a short password');
select is(pg_temp.status('sign_up', jsonb_build_object('email', 'a@b.c', 'pass', repeat('x', 73))), '400', 'one that bcrypt would cut');
select is(pg_temp.status('sign_up', '{"email": "nobody", "pass": "long enough"}'), '400', 'no address');
select is(pg_temp.status('sign_up', jsonb_build_object('email', repeat('x', 300) || '@b.c', 'pass', 'long enough')), '400', 'a long address');
select is_empty('select from accounts.users', 'nothing of it is stored');

select is(pg_temp.status('sign_up', '{"email": "Ann@B.c", "pass": "first password"}'), '202', 'a sign-up');
select results_eq('select email, validated is null, role::text collate "default" from accounts.users', $$ values ('ann@b.c', true, 'webuser') $$, 'an account, not validated');
select matches((select pass from accounts.users), '^\$2a\$10\$.{53}$', 'the password is stored as bcrypt');
select results_eq('select hash from accounts.letter_tokens', 'select sha256(token::bytea) from accounts.letters', 'of the token only a hash stays');
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "first password"}'), '401', 'no login before validation');
select pg_temp.letter() as first \gset

select is(pg_temp.status('sign_up', '{"email": "ann@b.c", "pass": "other password"}'), '202', 'signed up again, by whoever');
select is(pg_temp.letter(), null, 'but no other letter within a minute');
select is(pg_temp.status('validate_email', jsonb_build_object('token', :'first', 'pass', 'first password')), '400', 'not with the password before');
select pg_temp.pass_time('2 minutes') \g /dev/null
select is(pg_temp.status('sign_up', '{"email": "ann@b.c", "pass": "third password"}'), '202', 'and later once more');
select pg_temp.letter() as third \gset
select is(pg_temp.status('validate_email', jsonb_build_object('token', :'first', 'pass', 'third password')), '400', 'the token before is replaced');
select pg_temp.pass_time('61 minutes') \g /dev/null
select is(pg_temp.status('validate_email', jsonb_build_object('token', :'third', 'pass', 'third password')), '400', 'a token expires');
select is(pg_temp.status('sign_up', '{"email": "ann@b.c", "pass": "third password"}'), '202', 'again');
select pg_temp.letter() as third \gset
select is(pg_temp.status('reset_password', jsonb_build_object('token', :'third', 'pass', 'hijacked it')), '400', 'a token for one purpose only');
select is(pg_temp.status('validate_email', jsonb_build_object('token', :'third', 'pass', 'third password')), '', 'validated');
select is(pg_temp.status('validate_email', jsonb_build_object('token', :'third', 'pass', 'third password')), '400', 'once');

select is(pg_temp.status('sign_up', '{"email": "ann@b.c", "pass": "fifth password"}'), '202', 'an account that is validated');
select is((select purpose from accounts.letters), 'known', 'its owner gets another letter');
select is(pg_temp.status('validate_email', jsonb_build_object('token', pg_temp.letter(), 'pass', 'fifth password')), '400', 'that proves nothing');

-- ---------------------------------------------------------------- login
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "fifth password"}'), '401', 'and keeps its password');
select answer as ann from pg_temp.call('login', '{"email": "ANN@b.c", "pass": "third password"}') \gset
select is((select array_agg(key order by key) from json_object_keys(:'ann') key), '{refresh_token,token}', 'a login gives two tokens');
select pg_temp.claims(:'ann') as claims \gset
select results_eq($$ select c ->> 'sub', c ->> 'sid', c ->> 'jti', c ->> 'role', c ->> 'email' from (select $$ || quote_literal(:'claims') || $$::json) t (c) $$,
                  $$ select u.id::text, s.id::text, s.jti, 'webuser', u.email from accounts.users u join accounts.sessions s on s.user_id = u.id $$,
                  'the claims of the token');
select is((:'claims'::json ->> 'exp')::bigint, extract(epoch from now() + interval '15 minutes')::bigint, 'it lasts 15 minutes');
select results_eq('select hash, expires from accounts.refresh_tokens',
                  $$ select sha256(convert_to($$ || quote_literal(:'ann') || $$::json ->> 'refresh_token', 'utf8')), now() + interval '30 days' $$,
                  'of the refresh token a hash is stored');
select is_empty('select from accounts.failures', 'a login takes back the count of wrong passwords');

select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": null}'), '401', 'no password');
select is(array(select pg_temp.status('login', '{"email": "ann@b.c", "pass": "wrong"}') from generate_series(1, 5)),
          '{401,401,401,401,429}', 'five wrong passwords');
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "third password"}'), '429', 'then not even the right one');
select matches(current_setting('response.headers'), '^\[\{"Retry-After" : "(900|89\d)"\}\]$', 'until a quarter of an hour has passed');
select is(pg_temp.status('change_password', '{"old_pass": "third password", "new_pass": "fourth password"}', :'claims'), '429', 'nor elsewhere');
select pg_temp.pass_time('14 minutes') \g /dev/null
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "third password"}'), '429', 'not after 14 minutes');
select pg_temp.pass_time('1 minute') \g /dev/null
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "third password"}'), '', 'then again');
select is(array(select pg_temp.status('login', '{"email": "stranger@b.c", "pass": "wrong"}') from generate_series(1, 6)),
          '{401,401,401,401,401,429}', 'the same for an address without an account');
select is_empty($$ select from accounts.failures where encode(address, 'escape') like '%stranger%' $$, 'which is not stored');

-- ---------------------------------------------------------------- refreshing, logout
select answer as one from pg_temp.call('login', '{"email": "ann@b.c", "pass": "third password"}') \gset
select pg_temp.claims(:'one') as claims \gset
select answer as two from pg_temp.call('refresh', jsonb_build_object('refresh_token', :'one'::json ->> 'refresh_token')) \gset
select pg_temp.claims(:'two') as claims2 \gset
select isnt(:'claims'::json ->> 'jti', :'claims2'::json ->> 'jti', 'a refresh gives another token');
select is(:'claims'::json ->> 'sid', :'claims2'::json ->> 'sid', 'of the same session');
select throws_ok(format($$ select pg_temp.call('logout', '{}', %L) $$, :'claims'), 'PT401', 'This token was revoked', 'the one before is revoked');
select throws_ok($$ select pg_temp.call('logout', '{}', '{"role": "webuser"}') $$, 'PT401', 'This token was revoked', 'and one without jti');
select lives_ok(format($$ select pg_temp.call('logout', '{}', %L) $$, :'claims2'), 'logout');
select throws_ok(format($$ select pg_temp.call('logout', '{}', %L) $$, :'claims2'), 'PT401', 'This token was revoked', 'after which the token is revoked');
select is(pg_temp.status('refresh', jsonb_build_object('refresh_token', :'two'::json ->> 'refresh_token')), '401', 'and the refresh token is not good any more');
select is(pg_temp.status('refresh', '{"refresh_token": "nonsense"}'), '401', 'nor is any other text');

select answer as one from pg_temp.call('login', '{"email": "ann@b.c", "pass": "third password"}') \gset
select answer as two from pg_temp.call('refresh', jsonb_build_object('refresh_token', :'one'::json ->> 'refresh_token')) \gset
select is(pg_temp.status('refresh', jsonb_build_object('refresh_token', :'one'::json ->> 'refresh_token')), '401', 'a refresh token is good once');
select is(pg_temp.status('refresh', jsonb_build_object('refresh_token', :'two'::json ->> 'refresh_token')), '401', 'the second use ends the session');
select results_eq(format('select jti from accounts.revoked_tokens where jti = any (%L)',
                         array[pg_temp.claims(:'one') ->> 'jti', pg_temp.claims(:'two') ->> 'jti']) || ' order by jti',
                  format('select unnest(%L::text[]) order by 1', array[pg_temp.claims(:'one') ->> 'jti', pg_temp.claims(:'two') ->> 'jti']),
                  'and revokes its tokens');
select answer as one from pg_temp.call('login', '{"email": "ann@b.c", "pass": "third password"}') \gset
select pg_temp.pass_time('30 days') \g /dev/null
select is(pg_temp.status('refresh', jsonb_build_object('refresh_token', :'one'::json ->> 'refresh_token')), '401', 'a refresh token expires');

-- ---------------------------------------------------------------- passwords
select answer as one from pg_temp.call('login', '{"email": "ann@b.c", "pass": "third password"}') \gset
select pg_temp.claims(:'one') as claims \gset
select is(pg_temp.status('change_password', '{"old_pass": "wrong", "new_pass": "sixth password"}', :'claims'), '401', 'the old password is needed');
select is((select count(*) from accounts.failures where at > now() - interval '1 minute'), 1::bigint, 'a wrong one is counted');
select is(pg_temp.status('change_password', '{"old_pass": "third password", "new_pass": "short"}', :'claims'), '400', 'and a good new one');
select is(pg_temp.status('change_password', '{"old_pass": "third password", "new_pass": "sixth password"}', :'claims'), '', 'changed');
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "third password"}'), '401', 'the old one is gone');
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "sixth password"}'), '', 'the new one works');

select is(pg_temp.status('request_reset', '{"email": "stranger@b.c"}'), '202', 'a reset for a stranger');
select is((select count(*) from accounts.letters), 0::bigint, 'sends nothing');
select is(pg_temp.status('request_reset', '{"email": "Ann@b.c"}'), '202', 'a reset');
select pg_temp.letter() as reset \gset
select is(pg_temp.status('reset_password', jsonb_build_object('token', :'reset', 'pass', 'short')), '400', 'needs a good password');
select is(pg_temp.status('validate_email', jsonb_build_object('token', :'reset', 'pass', 'sixth password')), '400', 'is for nothing else');
select is(pg_temp.status('change_password', '{"old_pass": "sixth password", "new_pass": "seventh password"}',
                         pg_temp.claims((pg_temp.call('login', '{"email": "ann@b.c", "pass": "sixth password"}')).answer)), '', 'changed meanwhile');
select is(pg_temp.status('reset_password', jsonb_build_object('token', :'reset', 'pass', 'eighth password')), '400', 'so the letter is not good any more');
select is(pg_temp.status('request_reset', '{"email": "ann@b.c"}'), '202', 'another');
select pg_temp.letter() as reset \gset
select pg_temp.pass_time('61 minutes') \g /dev/null
select is(pg_temp.status('reset_password', jsonb_build_object('token', :'reset', 'pass', 'eighth password')), '400', 'expires');
select is(pg_temp.status('request_reset', '{"email": "ann@b.c"}'), '202', 'another');
select is(pg_temp.status('reset_password', jsonb_build_object('token', pg_temp.letter(), 'pass', 'eighth password')), '', 'works');
select is_empty('select from accounts.sessions where ended is null', 'and ends all sessions');
select is(pg_temp.status('login', '{"email": "ann@b.c", "pass": "eighth password"}'), '', 'the new password works');

select is(pg_temp.status('sign_up', '{"email": "bob@b.c", "pass": "of somebody else"}'), '202', 'somebody signs up with an address that is not theirs');
select is(pg_temp.status('request_reset', '{"email": "bob@b.c"}'), '202', 'its owner asks for a reset');
select is(pg_temp.status('reset_password', jsonb_build_object('token', pg_temp.letter(), 'pass', 'password of Bob')), '', 'and has the account');
select is(pg_temp.status('login', '{"email": "bob@b.c", "pass": "of somebody else"}'), '401', 'the other has not');
select is(pg_temp.status('login', '{"email": "bob@b.c", "pass": "password of Bob"}'), '', 'Bob has');

-- ---------------------------------------------------------------- cleaning up
select pg_temp.status('sign_up', '{"email": "carl@b.c", "pass": "never validated"}') \g /dev/null
call accounts.clean_up();
select set_eq('select email from accounts.users', '{ann@b.c,bob@b.c,carl@b.c}'::text[], 'what is needed stays');
select isnt_empty('select from accounts.sessions where ended is null', 'open sessions');
select isnt_empty('select from accounts.letter_tokens', 'letters that count');
select pg_temp.pass_time('31 days') \g /dev/null
call accounts.clean_up();
call accounts.clean_up();
select set_eq('select email from accounts.users', '{ann@b.c,bob@b.c}'::text[], 'who never validated goes');
select is_empty('select from accounts.sessions', 'sessions');
select is_empty('select from accounts.refresh_tokens', 'refresh tokens');
select is_empty('select from accounts.revoked_tokens', 'revoked tokens');
select is_empty('select from accounts.letter_tokens', 'tokens of letters');
select is_empty('select from accounts.letters', 'letters');
select is_empty('select from accounts.failures', 'wrong passwords');

select * from finish();
rollback;
