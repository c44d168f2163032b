// The role of a request stays what it is, whatever the request's SQL tries, until its transaction has ended.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

const SCHEMA = `
create role authenticator login noinherit;
create role anon;
create role clerk;
create role chief;
create role member;
grant chief to member;
grant anon, clerk, chief, member to authenticator;
create schema api;
grant usage on schema api to anon, clerk, chief, member;
create table api.seen (what text, who text);
grant select, insert on api.seen to public;

create function api.whoami() returns text language sql as 'select current_user::text';
create function api.run(command text) returns text language plpgsql as $$
begin
  execute command;
  return current_user;
end $$;
-- Goes on after errors, and says who it is then.
create function api.try(command text) returns text language plpgsql as $$
declare
  problem text;
begin
  begin
    execute command;
  exception when others then
    problem := sqlstate;
  end;
  return coalesce(problem, 'done') || ' ' || current_user;
end $$;
create function api.value(query text) returns text language plpgsql as $$
declare
  result text;
begin
  execute query into result;
  return result;
end $$;

create function api.definer(command text) returns text language plpgsql security definer as $$
begin
  execute command;
  return current_user;
end $$;
alter function api.definer owner to chief;
create function api.definer_then_whoami() returns text language plpgsql as $$
begin
  perform api.definer('select 1');
  return current_user;
end $$;
create function api.as_chief() returns text language sql set role = 'chief' as 'select current_user::text';

-- Triggers that fire when the transaction commits.
create function api.try_at_commit() returns trigger language plpgsql as $$
declare
  problem text := 'done';
begin
  begin
    execute new.command;
  exception when others then
    problem := sqlstate;
  end;
  insert into api.seen values ('at commit: ' || problem, current_user);
  return null;
end $$;
create table api.later (command text);
grant insert on api.later to public;
create constraint trigger later after insert on api.later
  deferrable initially deferred for each row execute function api.try_at_commit();
-- One deferred trigger queues another.
create table api.twice (command text);
grant insert on api.twice to public;
create function api.queue_again() returns trigger language plpgsql as $$
begin
  insert into api.later values (new.command);
  return null;
end $$;
create constraint trigger twice after insert on api.twice
  deferrable initially deferred for each row execute function api.queue_again();

create procedure api.proc(command text) language plpgsql as $$
begin
  execute command;
end $$;
create procedure api.committing(command text) language plpgsql as $$
begin
  commit;
  execute command;
end $$;

-- Code of others that a request runs: a view, an index expression, a default, a policy, a cast.
create function api.sneak() returns text language plpgsql as $$
begin
  perform set_config('role', 'chief', false);
  return current_user;
end $$;
create view api.sneaky as select api.sneak() as who;
create table api.defaults (id int, who text default api.sneak());
grant select on api.sneaky to public;
grant select, insert on api.defaults to public;
create function api.sneak_i(i int) returns int immutable language plpgsql as $$
begin
  perform set_config('role', 'chief', false);
  return i;
end $$;
create table api.indexed (i int);
create index on api.indexed (api.sneak_i(i));
grant insert on api.indexed to public;
create table api.policed (i int);
insert into api.policed values (1);
alter table api.policed enable row level security;
create policy sneaky on api.policed using (api.sneak() = 'chief');
grant select on api.policed to public;
grant execute on all functions in schema api to public;

-- May change the role: it is the administrator's.
create function api.choose() returns void language plpgsql as $$
begin
  if current_setting('request.headers', true)::json ->> 'x-role' is not null then
    perform set_config('role', current_setting('request.headers', true)::json ->> 'x-role', true);
  end if;
end $$;
`;

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.db_pre_request': 'api.choose' }, SCHEMA);
});
after(() => server?.drop());

const clerk = { claims: { role: 'clerk' } };
const post = (name, command, options = clerk) => server.post(`/rpc/${name}`, command === undefined ? {} : { command }, options);

const REFUSED = [
  'set role chief',
  'set local role chief',
  'set session role chief',
  'set role none',
  'reset role',
  'set role authenticator',
  'set role clerk',
  `select set_config('role', 'chief', false)`,
  `select set_config('role', 'none', true)`,
  'set session authorization chief',
  'set session authorization default',
  'reset session authorization',
  `select set_config('session_authorization', 'chief', false)`,
  `do 'begin set role chief; end'`,
  `do 'begin execute ''reset role''; end'`,
  `do 'begin begin perform 1/0; exception when others then reset role; end; end'`,
  `do 'begin perform api.definer(''reset role''); end'`,
  `call api.proc('reset role')`,
  'select api.as_chief()',
  'select * from api.sneaky',
  'insert into api.defaults (id) values (1)',
  'insert into api.indexed values (1)',
  'select * from api.policed',
  `create function pg_temp.f() returns text language sql set role = 'chief' as 'select 1'; select pg_temp.f()`,
];

for (const command of REFUSED) {
  test(`refused: ${command}`, async () => {
    const answer = await post('run', command);
    assert.equal(answer.status, 403, answer.text);
    assert.equal(answer.body.code, '42501', answer.text);
    // caught by the request's own SQL, the role is as before
    assert.equal((await post('try', command)).body, '42501 clerk');
  });
}

for (const [what, command] of [
  ['RESET ALL', 'reset all'],
  ['a savepoint that is rolled back', `do 'begin begin raise exception using message = ''x''; exception when others then null; end; end'`],
  ['a security definer function', `select api.definer('select 1')`],
  ['a security definer function that fails', `do 'begin perform api.definer(''select 1/0''); exception when others then null; end'`],
  ['a SET of something else', `set work_mem = '8MB'`],
]) {
  test(`${what} leaves the role and the lock`, async () => {
    assert.equal((await post('run', command)).body, 'clerk');
    const answer = await post('run', `do $x$ begin ${/^do/.test(command) ? command.replace(/^do '|'$/g, '').replaceAll("''", "'") : `execute $y$${command}$y$`}; reset role; end $x$`);
    assert.equal(answer.body.code, '42501', answer.text);
  });
}

test('DISCARD ALL does not run in a request', async () => {
  assert.equal((await post('run', 'discard all')).status >= 400, true);
  assert.match((await post('try', 'discard all')).body, / clerk$/);
});

test('a procedure cannot commit its way out', async () => {
  assert.match((await post('try', `call api.committing('reset role')`)).body, /^2D000 clerk$/);
  assert.match((await post('try', `do 'begin commit; set role chief; end'`)).body, /^2D000 clerk$/);
});

test('a security definer function is its owner, and cannot leave that either', async () => {
  assert.equal((await post('definer', 'select 1')).body, 'chief');
  assert.equal((await post('definer', 'reset role')).body.code, '42501');
  assert.equal((await post('definer_then_whoami')).body, 'clerk');
});

test('triggers at commit are locked too, and those that they queue', async () => {
  for (const table of ['later', 'twice']) {
    await server.sql('truncate api.seen');
    for (const command of ['reset role', 'set role chief', `select set_config('role', 'none', false)`]) {
      const answer = await server.post(`/${table}`, { command }, clerk);
      assert.equal(answer.status, 201, answer.text);
    }
    assert.equal(await server.sql('select distinct what, who from api.seen'), 'at commit: 42501|clerk', table);
  }
});

test('a cursor that outlives its transaction cannot change the role of the next', async () => {
  await post('run', `declare mine cursor with hold for select set_config('role', 'chief', false) from generate_series(1, 3)`);
  assert.equal((await post('whoami', undefined, {})).body, 'anon');
  assert.equal((await post('try', 'fetch mine')).body, '34000 clerk');
});

test('dynamic SQL of a member of the other role is refused as well', async () => {
  assert.equal((await post('try', 'set role chief', { claims: { role: 'member' } })).body, '42501 member');
});

test('a function with SET of something else works', async () => {
  assert.equal((await post('run', `create function pg_temp.f() returns text language sql set work_mem = '9MB' as 'select 1'; select pg_temp.f()`)).body, 'clerk');
});

test('workers of a parallel plan cannot change it', async () => {
  const force = 'set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2;';
  await server.sql(`create function api.sneak_parallel() returns text parallel safe language plpgsql as
    $$ begin execute 'set role chief'; return current_user; end $$;
    create function api.who_parallel() returns text parallel safe language sql as 'select current_user::text';
    create table api.many as select n from generate_series(1, 20000) n; grant select on api.many to public;
    grant execute on all functions in schema api to public`);
  const query = (name) => `${force} select count(*) from api.many where api.${name}() = 'clerk'`;
  assert.equal((await post('run', query('sneak_parallel'))).status >= 400, true);
  assert.equal((await post('try', query('sneak_parallel'))).body.endsWith(' clerk'), true);
  assert.equal((await post('run', query('who_parallel'))).body, 'clerk');
});

test('an event trigger cannot change it', async () => {
  await server.sql(`create function api.on_ddl() returns event_trigger language plpgsql as
      $$ begin execute 'reset role'; end $$;
    create event trigger sneaky on ddl_command_end execute function api.on_ddl()`);
  try {
    assert.equal((await post('try', 'create temporary table t (i int)')).body, '42501 clerk');
  } finally {
    await server.sql('drop event trigger sneaky');
  }
});

test('a session of several requests always begins as the authenticator', async () => {
  for (const role of ['clerk', 'chief', undefined, 'member', 'clerk']) {
    const options = role ? { claims: { role } } : {};
    assert.equal((await post('whoami', undefined, options)).body, role ?? 'anon');
    await post('run', 'select 1/0', options);
    assert.equal(await server.value('select session_user::text', options), 'authenticator');
  }
});

test('the pre-request function may choose the role', async () => {
  const chosen = { ...clerk, headers: { 'X-Role': 'chief' } };
  assert.equal((await post('whoami', undefined, chosen)).body, 'chief');
  assert.equal((await post('try', 'reset role', chosen)).body, '42501 chief');
  assert.equal((await post('whoami')).body, 'clerk');
});

test('with lock_role = off a role is changed as PostgREST lets it', async () => {
  server.reload({ 'pgrest.lock_role': 'off' });
  await until('the setting', async () => (await post('try', 'reset role')).body === 'done authenticator');
  assert.equal((await post('run', 'set role chief')).body, 'chief');
  assert.equal((await post('whoami')).body, 'clerk');
  assert.equal((await post('whoami', undefined, {})).body, 'anon');
  server.reload({ 'pgrest.lock_role': 'on' });
  await until('the lock', async () => (await post('try', 'reset role')).body === '42501 clerk');
});
