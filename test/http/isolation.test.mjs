// Nothing of a request meets the next one. One executor, so that every request has the same session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1 });
});
after(() => server?.drop());

const clerk = { claims: { role: 'clerk', desk: 7 } };
const run = (command, options = clerk) => server.post('/rpc/run', { command }, options);
const ok = async (command, options) => assert.equal((await run(command, options)).status, 200, command);

test('all requests of this file have one session', async () => {
  const pid = await server.value('select pg_backend_pid()');
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

for (const [what, command, query, fresh] of [
  ['a setting', `set work_mem = '77MB'`, `select current_setting('work_mem')`],
  ['a setting of set_config', `select set_config('timezone', 'Asia/Tokyo', false)`, `select current_setting('timezone')`],
  ['a search path', 'set search_path = pg_catalog', `select current_setting('search_path')`],
  ['a setting of one\'s own', `set my.own = 'x'`, `select coalesce(current_setting('my.own', true), '')`, ''],
  ['response.status', `select set_config('response.status', '202', false)`, `select coalesce(current_setting('response.status', true), '')`, ''],
  ['a temporary table', 'create temporary table mine as select 1', `select to_regclass('pg_temp.mine')::text`, null],
  ['a prepared statement', 'prepare mine as select 1', 'select count(*) from pg_prepared_statements', '0'],
  ['a held cursor', 'declare mine cursor with hold for select 1', 'select count(*) from pg_cursors', '0'],
  ['an advisory lock', 'select pg_advisory_lock(1)', `select count(*) from pg_locks where locktype = 'advisory'`, '0'],
]) {
  test(`${what} does not stay`, async () => {
    const begin = fresh === undefined ? await server.value(query) : fresh;
    const answer = await run(command);
    // A function may not be allowed to do it at all; then there is nothing to stay.
    assert.ok(answer.status < 300 || answer.status === 400, answer.text);
    assert.equal(await server.value(query), begin);
  });
}

test('LISTEN does not stay', async () => {
  await run('listen mine');
  assert.equal(await server.value('select count(*) from pg_listening_channels()'), '0');
});

test('currval of one request is unknown to the next', async () => {
  await server.sql('create sequence api.counter; grant all on sequence api.counter to anon, clerk');
  await ok(`select nextval('api.counter')`);
  assert.equal((await server.post('/rpc/value', { query: `select currval('api.counter')` })).body.code, '55000');
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
