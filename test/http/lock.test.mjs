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
create table api.later_uncaught (command text);
create function api.do_at_commit() returns trigger language plpgsql as $$ begin execute new.command; return null; end $$;
create constraint trigger later after insert on api.later_uncaught
  deferrable initially deferred for each row execute function api.do_at_commit();
grant insert on api.later_uncaught to public;
create function api.cancel() returns void security definer language sql as
  $$ select pg_cancel_backend(pg_backend_pid()) $$;
create role hasty;
grant hasty to authenticator;
grant usage on schema api to hasty;
alter role hasty set statement_timeout = '100ms';
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
create function api.sneak_static() returns text language plpgsql as $$
begin
  set role chief;
  return current_user;
end $$;
create function api.sneak_nested() returns text language plpgsql as $$
begin
  begin
    begin
      perform api.definer('select 1');
      raise 'rolled back';
    exception when others then
      perform api.definer('select 1/0');
    end;
  exception when others then
    set local role chief;
  end;
  return current_user;
end $$;
create function api.definer_as_chief() returns text language sql security definer set role = 'chief' as 'select current_user::text';
create function api.sneak_row() returns trigger language plpgsql as $$ begin perform api.sneak(); return new; end $$;
create table api.triggered (i int);
create trigger sneaky before insert on api.triggered for each row execute function api.sneak_row();
create table api.statements (i int);
create trigger sneaky after insert on api.statements execute function api.sneak_row();
create domain api.checked as int check (api.sneak_i(value) is not null);
create table api.constrained (i int check (api.sneak_i(i) is not null));
create table api.generated (i int, j int generated always as (api.sneak_i(i)) stored);
create table api.ruled (i int);
create rule sneaky as on insert to api.ruled do instead select api.sneak();
create table api.checking (i int);
alter table api.checking enable row level security;
create policy sneaky on api.checking for insert with check (api.sneak() is not null);
create type api.odd as (i int);
create function api.odd_equal(api.odd, api.odd) returns boolean language sql as $$ select api.sneak() = 'chief' $$;
create operator api.=== (leftarg = api.odd, rightarg = api.odd, function = api.odd_equal);
create function api.odd_text(api.odd) returns text language sql as $$ select api.sneak() $$;
create cast (api.odd as text) with function api.odd_text as assignment;
create function api.add(int, int) returns int language sql as $$ select api.sneak_i($1 + $2) $$;
create aggregate api.total (int) (sfunc = api.add, stype = int, initcond = '0');
-- a foreign key's trigger runs as the owner of the table, and so do its consequences' triggers
create table api.parent (id int primary key);
create table api.child (id int references api.parent on delete cascade);
create trigger sneaky before delete on api.child for each row execute function api.sneak_row();
insert into api.parent values (1);
insert into api.child values (1);
grant all on api.triggered, api.statements, api.constrained, api.generated, api.ruled, api.checking, api.parent to public;
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
  await server.sql(`create extension pgrest; create extension dblink; create extension postgres_fdw;
    create server back foreign data wrapper postgres_fdw options (host '${server.dir}', port '5432', dbname 'app');
    grant usage on foreign server back to clerk;
    create user mapping for clerk server back options (user 'authenticator');
    create foreign table api.remote (who text) server back options (table_name 'seen');
    grant select on api.remote to clerk`);
});
after(() => server?.drop());

const clerk = { claims: { role: 'clerk' } };
const post = (name, command, options = clerk) => server.post(`/rpc/${name}`, command === undefined ? {} : { command }, options);

// Not permitted, a password is required, not changeable now, not in a transaction block, not from within a function, and
// what is not installed.
const REFUSALS = /^(42501|2F003|55P02|25001|0A000|58P01|2D000)$/;

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
  'select api.sneak_static()',
  'select api.sneak_nested()',
  'select api.definer_as_chief()',
  'insert into api.triggered values (1)',
  'insert into api.statements values (1)',
  'select 1::api.checked',
  'insert into api.constrained values (1)',
  'insert into api.generated values (1)',
  'insert into api.ruled values (1)',
  'insert into api.checking values (1)',
  'select row(1)::api.odd operator(api.===) row(1)::api.odd',
  'select row(1)::api.odd::text',
  'select api.total(n) from generate_series(1, 3) n',
  'delete from api.parent',
  'prepare p as select api.sneak(); execute p',
  'declare c cursor for select api.sneak(); fetch c',
  'create temporary table t as select api.sneak()',
  `alter role clerk set role = 'chief'`,
  `alter role clerk set session_authorization = 'chief'`,
  `set session_replication_role = replica`,
  `select set_config('session_replication_role', 'replica', false)`,
  `alter role clerk superuser`,
  'grant chief to clerk',
  `select pg_reload_conf()`,
  `load 'plpgsql'; reset role`,
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

// Ways round the session: another one of the authenticator, its settings and those of the server, libraries, files.
for (const command of [
  `select public.dblink_connect('host=SOCKETS port=5432 dbname=app user=authenticator')`,
  `select public.dblink_connect('host=SOCKETS port=5432 dbname=app user=authenticator password=x')`,
  `select public.dblink_connect_u('host=SOCKETS port=5432 dbname=app user=authenticator')`,
  `select * from api.remote`,
  `alter user mapping for clerk server back options (add password_required 'false')`,
  'alter system set pgrest.lock_role = off',
  'set pgrest.lock_role = off',
  'set local pgrest.lock_role = off',
  `select set_config('pgrest.lock_role', 'off', false)`,
  `update pg_settings set setting = 'off' where name = 'pgrest.lock_role'`,
  `alter role authenticator set pgrst.db_anon_role = 'chief'`,
  `alter role authenticator set role = 'chief'`,
  `alter role authenticator password 'known'`,
  `alter role all set role = 'chief'`,
  `alter role clerk in database app set session_preload_libraries = 'x'`,
  `alter database app set role = 'chief'`,
  'grant chief to session_user',
  'grant clerk to session_user with admin option',
  'create role mine in role chief',
  'create schema mine authorization session_user',
  'drop owned by session_user',
  'alter default privileges for role session_user grant all on tables to clerk',
  `create function pg_temp.f() returns int language c as 'pgrest', 'pgrest_version'`,
  'create extension plpython3u',
  `load '$libdir/dblink'`,
  `copy (select 1) to program 'id'`,
  `select pg_read_file('/etc/passwd')`,
  'select pg_terminate_backend(pid) from pg_stat_activity',
  `select pgrest.request('GET', '/rpc/whoami')`,
  'select pgrest.reload()',
  `prepare transaction 'mine'`,
  'listen mine',
  'commit',
  'rollback',
  'savepoint mine',
]) {
  test(`no way round: ${command}`, async () => {
    const answer = await post('run', command.replace('SOCKETS', server.dir));
    assert.ok(answer.status >= 400, answer.text);
    assert.match(answer.body.code, REFUSALS, answer.text);
    assert.equal((await post('whoami')).body, 'clerk');
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

// Commands that run code of a table's owner in PostgreSQL's own restricted way; the table is the request's own.
for (const [what, command] of [
  ['CREATE INDEX', 'create index on mine (api.sneak_i(i))'],
  ['REINDEX', 'reindex table mine'],
  ['ANALYZE', 'analyze mine'],
  ['CLUSTER', 'cluster mine using mine_i'],
  ['VACUUM FULL', 'vacuum full mine'],
  ['REFRESH MATERIALIZED VIEW', 'refresh materialized view own.seen'],
  ['ALTER TABLE', 'alter table mine add check (api.sneak_i(i) is not null)'],
]) {
  test(`${what} of an expression that changes the role`, async () => {
    await server.sql(`
      create schema own; grant all on schema own to clerk;
      create function own.harmless(i int) returns int immutable language sql as 'select i'`);
    try {
      const prepare = `
        create table own.mine (i int); insert into own.mine values (1), (2);
        create index mine_i on own.mine (own.harmless(i));
        create materialized view own.seen as select own.harmless(i) from own.mine`;
      assert.equal((await post('run', prepare)).body, 'clerk');
      // the harmless function turns out not to be
      await server.sql(`create or replace function own.harmless(i int) returns int immutable language plpgsql as
        $$ begin perform api.sneak_i(i); return i; end $$`);
      const answer = await post('try', `set search_path = own, api; ${command}`);
      assert.match(answer.body, /^(42501|25001) clerk$/);
      assert.equal((await post('run', `do $x$ begin begin set search_path = own, api; ${command}; exception when others then null; end; reset role; end $x$`)).body.code, '42501');
    } finally {
      await server.sql('drop schema own cascade');
    }
  });
}

test('a trusted extension, whose script runs as superuser, leaves role and lock', async () => {
  await server.sql('grant create on database app to clerk');
  const create = 'create schema theirs; create extension citext schema theirs';
  assert.equal((await post('run', `${create}; reset role`)).body.code, '42501');
  assert.equal((await post('run', create)).body, 'clerk');
  await server.sql('revoke create on database app from clerk; drop schema theirs cascade');
});

test('the role cannot be made to look different', async () => {
  const shown = `select concat_ws(' ', current_user, current_role, session_user, current_setting('role'), current_setting('is_superuser'))`;
  assert.equal(await server.value(shown, clerk), 'clerk clerk authenticator clerk off');
  assert.match((await post('try', `select set_config('is_superuser', 'on', false)`)).body, /^55P02 clerk$/);
  for (const name of ['role', 'session_authorization', 'is_superuser']) await post('run', `update pg_settings set setting = 'chief' where name = '${name}'`);
  assert.equal(await server.value(shown, clerk), 'clerk clerk authenticator clerk off');
});

test('settings of a role do not choose another role', async () => {
  await server.sql(`alter role clerk set role = 'chief'; alter role clerk set session_authorization = 'chief'`);
  try {
    for (let i = 0; i < 3; ++i) assert.equal((await post('whoami')).body, 'clerk');
  } finally {
    await server.sql('alter role clerk reset all');
  }
});

test('a role may change what is its own, and that stays', async () => {
  try {
    assert.equal((await post('run', `alter role clerk set application_name = 'changed'`)).body, 'clerk');
    assert.equal(await server.value(`select current_setting('application_name')`, clerk), 'changed');
    assert.notEqual(await server.value(`select current_setting('application_name')`), 'changed');
  } finally {
    await server.sql('alter role clerk reset all');
  }
});

test('a cancel while COMMIT runs triggers leaves neither role nor lock behind', async () => {
  for (const command of ['select api.cancel(), pg_sleep(60)', 'select pg_sleep(60)']) {
    const answer = await server.post('/later_uncaught', { command }, { claims: { role: command.includes('cancel') ? 'clerk' : 'hasty' } });
    assert.equal(answer.body.code, '57014', answer.text);
    assert.equal((await post('whoami', undefined, {})).body, 'anon');
    assert.equal((await post('try', 'reset role', {})).body, '42501 anon');
    assert.equal((await post('whoami')).body, 'clerk');
  }
});

test('what the pre-request function leaves to run later is locked too', async () => {
  await server.sql(`create or replace function api.choose() returns void language plpgsql as $$
    begin
      if current_setting('request.headers', true)::json ->> 'x-leave' is not null then
        insert into api.later values (current_setting('request.headers', true)::json ->> 'x-leave');
        execute 'declare late cursor with hold for select api.try(''reset role'')';
      end if;
      perform set_config('role', coalesce(current_setting('request.headers', true)::json ->> 'x-role', current_user), true);
    end $$; truncate api.seen`);
  const answer = await server.post('/later', { command: 'set role chief' }, { ...clerk, headers: { 'X-Leave': 'reset role' } });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(await server.sql('select distinct what, who from api.seen'), 'at commit: 42501|clerk');
});

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

test('a request inside of a request leaves the lock, and the executor', async () => {
  await server.sql(`create function api.inner() returns text security definer language plpgsql as $$
      begin return (pgrest.request('GET', '/seen')).status; end $$;
    create function api.outer() returns text language plpgsql as $$
      begin
        perform api.inner();
        execute 'reset role';
        return 'left';
      end $$;
    grant execute on all functions in schema api to public; truncate api.seen`);
  const executor = () => server.sql(`select pid from pg_stat_activity where backend_type = 'pgrest executor'`);
  const pid = await executor();
  // its role cannot be changed either
  assert.equal((await post('inner')).body, '401');
  assert.equal((await post('outer')).body.code, '42501');
  await server.sql(`create function api.inner_later() returns trigger language plpgsql as $$ begin perform api.inner(); return null; end $$;
    create trigger inner_first after insert on api.later for each row execute function api.inner_later()`);
  assert.equal((await server.post('/later', { command: 'reset role' }, clerk)).status, 201);
  assert.equal(await server.sql('select distinct what, who from api.seen'), 'at commit: 42501|clerk');
  assert.equal((await post('whoami', undefined, {})).body, 'anon');
  assert.equal(await executor(), pid);
});

test('with lock_role = off a role is changed as PostgREST lets it', async () => {
  server.reload({ 'pgrest.lock_role': 'off' });
  await until('the setting', async () => (await post('try', 'reset role')).body === 'done authenticator');
  assert.equal((await post('run', 'set role chief')).body, 'chief');
  // settings of the authenticator may be settings of pgrest
  assert.equal((await post('run', `reset role; alter role authenticator set pgrst.db_anon_role = 'chief'`)).body.code, '42501');
  assert.equal((await post('whoami')).body, 'clerk');
  assert.equal((await post('whoami', undefined, {})).body, 'anon');
  server.reload({ 'pgrest.lock_role': 'on' });
  await until('the lock', async () => (await post('try', 'reset role')).body === '42501 clerk');
});
