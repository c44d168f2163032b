-- What SQL run by a request cannot do: become another role, write in a read, leave settings behind.
begin;
\ir helpers.sql
set local search_path = public, pgrest, tap;
select * from no_plan();

create role anon;
create role authenticator noinherit;
grant anon to authenticator;
create role clerk;
grant clerk to authenticator;
create function check_user() returns void language sql as 'select';
grant usage on schema public to public;

create function run(command text) returns text language plpgsql as $$
begin
  execute command;
  return current_user;
end $$;

create function pg_temp.run(command text, role text default null) returns text language sql as
  $$ select pg_temp.answer('POST', '/rpc/run', case when role is null then null else json_build_object('role', role) end,
                           json_build_object('command', command)::text) $$;

select is(pg_temp.run('select 1', 'clerk'), '200 "clerk"', 'a function runs as the role');
select is(pg_temp.run('set role anon', 'clerk'), '403 42501', 'it cannot set another role');
select is(pg_temp.run('reset role', 'clerk'), '403 42501', 'nor reset it');
select is(pg_temp.run('set role none', 'clerk'), '403 42501', 'nor set none');
select is(pg_temp.run('set local role anon', 'clerk'), '403 42501', 'nor locally');
select is(pg_temp.run($$ select set_config('role', 'anon', true) $$, 'clerk'), '403 42501', 'nor by set_config');
select is(pg_temp.run($$ do 'begin reset role; exception when others then reset role; end' $$, 'clerk'), '403 42501',
          'nor in a handler of exceptions');
select is(pg_temp.run('reset session authorization', 'clerk'), '403 42501', 'nor by the session''s user');

create function definer() returns text language plpgsql security definer as $$
begin
  reset role;
  return current_user;
end $$;
select is(pg_temp.answer('POST', '/rpc/definer', '{"role": "clerk"}'), '403 42501', 'nor as a security definer');

-- after an error everything is as it was
select is(pg_temp.run('select 1/0', 'clerk'), '400 22012', 'an error is answered');
select is(current_user, 'postgres', 'the role is put back after an error');
select is(current_setting('search_path'), 'public, pgrest, tap', 'and the search path');
select is(pg_temp.run($$ set application_name = 'mine' $$, 'clerk'), '200 "clerk"', 'a SET succeeds');
select isnt(current_setting('application_name'), 'mine', 'and does not stay');

-- reads do not write
create table t (n int);
grant all on t to anon;
select is(pg_temp.answer('GET', '/rpc/run?command=insert%20into%20t%20values%20(1)'), '405 25006', 'a GET is read only');
select is(pg_temp.answer('POST', '/t', null, '{"n": 1}'), '201', 'a POST is not');
select is(count(*), 1::bigint, 'and stays') from t;

select * from finish();
rollback;
