// Nothing of a request meets the next one. One executor, so that every request has the same session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LETTERS, Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1 });
});
after(() => server?.drop());

const clerk = { claims: { role: 'clerk', desk: 7 } };
const run = (command, options = clerk) => server.post('/rpc/run', { command }, options);
const ok = async (command, options) => assert.equal((await run(command, options)).status, 200, command);

let pid;
test('all requests of this file have one session', async () => {
  pid = await server.value('select pg_backend_pid()');
  assert.equal(await server.value('select pg_backend_pid()'), pid);
  assert.equal(await server.value('select session_user', clerk), 'authenticator');
});

test('the role does not stay, also after an error', async () => {
  assert.equal(await server.value('select current_user', clerk), 'clerk');
  assert.equal(await server.value('select current_user'), 'anon');
  assert.equal((await run('select 1/0')).status, 400);
  assert.equal(await server.value('select current_user'), 'anon');
});

test('claims do not stay', async () => {
  const query = `select coalesce(current_setting('request.jwt.claim.desk', true), '')`;
  assert.equal(await server.value(query, clerk), '7');
  assert.equal(await server.value(query), '');
  await run('select 1/0');
  assert.equal(await server.value(query), '');
  assert.equal(await server.value(`select current_setting('request.jwt.claims')::json ->> 'desk'`), null);
});

const advisory = `select count(*) from pg_locks where locktype = 'advisory'`;

// What a request can leave in its session, and a query that would find it. The query's value in a fresh session is what
// every later request must see too; `fresh` says it where a fresh session cannot.
const LEFT = {
  'a setting': [`set work_mem = '77MB'`, setting('work_mem')],
  'a setting of set_config': [`select set_config('timezone', 'Asia/Tokyo', false)`, setting('timezone')],
  'a local setting': [`set local work_mem = '77MB'`, setting('work_mem')],
  'a setting of one\'s own': [`set my.own = 'x'`, ownSetting('my.own'), ''],
  'response.status': [`select set_config('response.status', '202', false)`, ownSetting('response.status'), ''],
  'claims': [`select set_config('request.jwt.claims', '{"desk": 9}', false)`, `${setting('request.jwt.claims')}::json ->> 'desk'`],
  'a search path': ['set search_path = pg_catalog', setting('search_path')],
  'DateStyle': [`set datestyle = 'German'`, `select date '2001-02-03'::text`],
  'IntervalStyle': [`set intervalstyle = 'iso_8601'`, `select interval '90 minutes'::text`],
  'extra_float_digits': [`set extra_float_digits = -15`, `select (1 / 3.0::float8)::text`],
  'client_encoding': [`set client_encoding = 'LATIN1'`, setting('client_encoding')],
  'application_name': [`set application_name = 'mine'`, setting('application_name')],
  'statement_timeout': [`set statement_timeout = '77s'`, setting('statement_timeout')],
  'lock_timeout': [`set lock_timeout = '77s'`, setting('lock_timeout')],
  'row_security': ['set row_security = off', setting('row_security')],
  'temp_tablespaces': [`set temp_tablespaces = ''; set temp_tablespaces = 'pg_default'`, setting('temp_tablespaces')],
  'default_transaction_read_only': ['set default_transaction_read_only = on', setting('transaction_read_only')],
  'default_transaction_isolation': [`set default_transaction_isolation = 'serializable'`, setting('transaction_isolation')],
  'default_transaction_deferrable': ['set default_transaction_deferrable = on', setting('transaction_deferrable')],
  'a temporary table': ['create temporary table mine as select 1', `select to_regclass('pg_temp.mine')::text`],
  'a temporary table on the search path': ['create temporary table items as select 1', `select count(*) from items`],
  'a temporary function': [`create function pg_temp.mine() returns int language sql as 'select 1'`, `select to_regproc('pg_temp.mine')::text`],
  'a temporary type': [`create type pg_temp.mine as enum ('x')`, `select to_regtype('pg_temp.mine')::text`],
  'a prepared statement': ['prepare mine as select 1', 'select count(*) from pg_prepared_statements'],
  'a cursor': ['declare mine cursor for select 1', 'select count(*) from pg_cursors where name = $$mine$$'],
  'a large held cursor': ['declare mine cursor with hold for select repeat($$x$$, 100) from generate_series(1, 100000)', 'select count(*) from pg_ls_tmpdir()'],
  'a held cursor': ['declare mine cursor with hold for select 1', 'select count(*) from pg_cursors where name = $$mine$$'],
  'an advisory lock of the session': ['select pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock_shared(2, 3)', advisory],
  'an advisory lock of the transaction': ['select pg_advisory_xact_lock(1)', advisory],
  'a lock on a table': ['lock table api.items in access exclusive mode', `select count(*) from pg_locks where relation = 'api.items'::regclass`],
  'LISTEN': ['listen mine', 'select count(*) from pg_listening_channels()'],
  'a cached sequence': [`select nextval('api.counter')`, `select api.attempt($$select currval('api.counter')$$)`, '55000'],
  'the last sequence': [`select nextval('api.counter')`, `select api.attempt('select lastval()')`, '55000'],
  'deferred constraints': ['set constraints all deferred', `select api.attempt('insert into api.numbers values (1), (1)')`, '23505'],
  'the seed of random()': ['select setseed(0.25)', `select case random() when (select seeded from api.seeded) then 'seeded' else 'random' end`, 'random'],
  'a replication origin': [`select api.use_origin()`, `select api.has_origin()`],
  'a temporary replication slot': [`select api.make_slot()`, `select count(*) from pg_replication_slots`],
  'debug_query_string': ['select 7654321', `select current_query() like '%7654321%'`],
};

function setting(name) {
  return `select current_setting('${name}')`;
}
function ownSetting(name) {
  return `select coalesce(current_setting('${name}', true), '')`;
}

// Ways in which the request ends that has left something, and the code of its answer.
const ENDINGS = {
  success: undefined,
  error: '22012',
  cancel: '57014',
  timeout: '57014',
  'an error in a deferred trigger': 'P0001',
  'an error of a deferred constraint': '23503',
};
// May not be done at all in a request; then there is nothing to stay.
const REFUSED = { LISTEN: '0A000' };

test('nothing that a request leaves meets the next one', async (t) => {
  await server.sql(`
    create sequence api.counter cache 10;
    create table api.numbers (n int unique deferrable);
    grant all on api.numbers, api.counter to anon, clerk;
    create function api.attempt(command text) returns text language plpgsql as $$
    begin
      execute command;
      return 'done';
    exception when others then
      return sqlstate;
    end $$;
    create table api.seeded as select random() as seeded from (select setseed(0.25)) s;
    grant select on api.seeded to anon;
    create function api.use_origin() returns void security definer language sql as
      $$ select pg_replication_origin_session_setup('far away') $$;
    create function api.has_origin() returns boolean security definer language sql as
      $$ select pg_replication_origin_session_is_setup() $$;
    create function api.make_slot() returns void security definer language sql as
      $$ select pg_create_physical_replication_slot('mine', true, true) $$;

    create function api.cancel() returns void security definer language sql as
      $$ select pg_cancel_backend(pg_backend_pid()) $$;

    -- Runs the command, then ends in a given way.
    create function api.leave(command text, ending text) returns text language plpgsql as $$
    begin
      execute command;
      case ending
        when 'success' then null;
        when 'error' then perform 1 / 0;
        when 'cancel' then perform api.cancel(), pg_sleep(60);
        when 'timeout' then perform pg_sleep(60);
        when 'an error in a deferred trigger' then insert into api.doomed values (1);
        when 'an error of a deferred constraint' then insert into api.orphans values (1);
      end case;
      return current_user;
    end $$;
    grant execute on function pg_ls_tmpdir() to anon;
    create role hasty;
    grant hasty to authenticator;
    alter role hasty set statement_timeout = '40ms';
    create function api.doom() returns trigger language plpgsql as $$ begin raise 'doomed'; end $$;
    create table api.doomed (n int);
    create constraint trigger doom after insert on api.doomed deferrable initially deferred
      for each row execute function api.doom();
    create table api.beings (n int primary key);
    create table api.orphans (n int references api.beings deferrable initially deferred);
    grant usage on schema api to hasty;
    grant all on all tables in schema api to hasty, clerk;
    grant all on sequence api.counter to hasty`);
  await server.sql(`select pg_replication_origin_create('far away')`);

  for (const [what, [command, query, fresh]] of Object.entries(LEFT)) {
    const expected = fresh ?? (await server.value(query));
    for (const [ending, code] of Object.entries(ENDINGS)) {
      await t.test(`${what}, after ${ending}`, async () => {
        const options = ending === 'timeout' ? { claims: { role: 'hasty' } } : clerk;
        const answer = await server.post('/rpc/leave', { command, ending }, options);
        assert.equal(answer.body.code, REFUSED[what] ?? code, answer.text);
        assert.equal(await server.value(query), expected);
      });
    }
  }
  // nothing has ended the session on the way
  assert.equal(await server.value('select pg_backend_pid()'), pid);
});

test('a role cannot be left', async () => {
  for (const command of ['reset role', 'set role none', 'set role anon', 'set session authorization default']) {
    const answer = await run(command);
    assert.equal(answer.status, 403, command);
    assert.equal(answer.body.code, '42501', command);
  }
});

test('code that runs during COMMIT cannot leave its role', async () => {
  await server.sql(`
    create table api.marks (n int, who text);
    grant insert, select on api.marks to anon, clerk;
    create function api.escape() returns trigger language plpgsql as $$
    begin
      reset role;
      insert into api.marks values (new.n + 1, current_user);
      return null;
    end $$;
    create function api.again() returns trigger language plpgsql as $$
    begin
      if new.n < 10 then insert into api.marks values (10, 'queued by ' || current_user); end if;
      return null;
    end $$;
    create constraint trigger again after insert on api.marks deferrable initially deferred
      for each row execute function api.again();
    create constraint trigger escape after insert on api.marks deferrable initially deferred
      for each row when (new.n = 10) execute function api.escape()`);
  const answer = await server.post('/marks', { n: 1, who: 'x' }, clerk);
  assert.equal(answer.status, 403);
  assert.equal(await server.sql('select count(*) from api.marks'), '0');
});

test('a held cursor that is filled at COMMIT cannot leave its role', async () => {
  await server.sql(`
    create function api.leave() returns int language plpgsql as $$ begin reset role; return 1; end $$`);
  const answer = await run('declare late cursor with hold for select api.leave()');
  assert.equal(answer.status, 403);
});

test('an error at COMMIT is an error of the request', async () => {
  await server.sql(`
    create table api.parents (id int primary key);
    create table api.children (parent int references api.parents deferrable initially deferred);
    grant all on api.parents, api.children to clerk`);
  const answer = await server.post('/children', { parent: 1 }, clerk);
  assert.equal(answer.status, 409);
  assert.equal(answer.body.code, '23503');
  assert.equal(await server.sql('select count(*) from api.children'), '0');
});

test('a plan of one role does not serve another', async () => {
  await server.sql(`
    create table api.secrets (owner text, word text);
    insert into api.secrets values ('clerk', 'mine'), ('anon', 'open');
    alter table api.secrets enable row level security;
    create policy own on api.secrets using (owner = current_user);
    grant select on api.secrets to anon, clerk;
    -- SQL that PostgreSQL writes into the statement that calls it, if the role may call it
    create function api.shout(api.secrets) returns text stable language sql as $$ select upper($1.word) $$;
    revoke execute on function api.shout from public;
    grant execute on function api.shout to clerk`);
  for (const round of [1, 2, 3]) {
    assert.deepEqual((await server.get('/secrets', clerk)).body, [{ owner: 'clerk', word: 'mine' }], round);
    assert.deepEqual((await server.get('/secrets')).body, [{ owner: 'anon', word: 'open' }], round);
    assert.deepEqual((await server.get('/secrets?select=shout', clerk)).body, [{ shout: 'MINE' }], round);
    assert.equal((await server.get('/secrets?select=shout')).body.code, '42501', round);
  }
  await server.sql('revoke select on api.secrets from clerk');
  assert.equal((await server.get('/secrets', clerk)).body.code, '42501');
});

test('a text of another encoding is not sent, nor kept for the next request', async () => {
  const answer = await server.post('/rpc/value', { query: `select 'é' from (select set_config('client_encoding', 'LATIN1', false)) s` });
  assert.equal(answer.body, 'é');
  await ok(`set client_encoding = 'LATIN1'`);
  assert.equal(await server.value(`select '${LETTERS}'`), LETTERS);
});

// The last test: without the lock a request may leave its role; the next one begins with its own all the same.
test('with lock_role = off, a changed role does not stay either', async (t) => {
  server.reload({ 'pgrest.lock_role': 'off' });
  await until('no lock', async () => (await run('reset role')).status === 200);
  await server.sql('grant execute on all functions in schema api to public; grant all on all tables in schema api to public; grant usage on schema api to authenticator');
  for (const command of ['reset role', 'set role anon', 'set local role anon', `select set_config('role', 'anon', false)`, 'set session authorization authenticator']) {
    for (const [ending, code] of Object.entries(ENDINGS)) {
      await t.test(`${command}, after ${ending}`, async () => {
        const options = ending === 'timeout' ? { claims: { role: 'hasty' } } : clerk;
        const answer = await server.post('/rpc/leave', { command, ending }, options);
        assert.equal(answer.body.code, code, answer.text);
        assert.deepEqual(JSON.parse(await server.value('select json_build_array(current_user, session_user)')), ['anon', 'authenticator']);
        assert.deepEqual(JSON.parse(await server.value('select json_build_array(current_user, session_user)', clerk)), ['clerk', 'authenticator']);
      });
    }
  }
});
