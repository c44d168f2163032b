// Settings of pgrest that are kept in the database: of the authenticator, and of a function.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { SECRET, Server, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.workers': 1, 'pgrest.db_max_rows': 7 },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create schema conf; grant usage on schema conf to authenticator;
       create function conf.settings() returns void language plpgsql as $$
       begin
         perform set_config('pgrst.db_max_rows', '3', true), set_config('pgrst.db_aggregates_enabled', 'true', true);
         perform set_config('pgrst.server_port', '1', true), set_config('pgrst.nonsense', 'x', true);
         if current_user <> 'authenticator' or current_setting('transaction_read_only') <> 'on' then
           raise exception 'called in another way';
         end if;
       end $$;
       create function conf."Odd Name"() returns void language sql as $$ select set_config('pgrst.db_max_rows', '6', true) $$;
       create function conf.broken() returns void language plpgsql as $$ begin raise exception 'conf is broken'; end $$;
       create function conf.wrong() returns void language sql as $$ select set_config('pgrst.db_tx_end', 'never', true) $$;
       create function conf.wrong_rows() returns void language sql as $$ select set_config('pgrst.db_max_rows', '2', true), set_config('pgrst.db_tx_end', 'never', true) $$;`,
  );
});
after(() => server?.drop());

const rows = async () => (await server.get('/items')).body.length;
const aggregates = async () => (await server.get('/items?select=count()')).status === 200;
const becomes = (wanted) => until(`${wanted} rows`, async () => (await rows()) === wanted);
const logged = (text, from) => until(`the log to say ${text}`, () => server.log().slice(from).includes(text));

test('the authenticator in this database goes over the authenticator, over the function, over the server', async () => {
  assert.equal(await rows(), 7);
  server.reload({ 'pgrest.db_pre_config': 'conf.settings' });
  await becomes(3);
  assert.ok(await aggregates());
  await server.sql(`alter role authenticator set pgrst.db_max_rows = '4'`);
  server.reload();
  await becomes(4);
  assert.ok(await aggregates(), 'what the role leaves open is the function\'s');
  await server.sql(`alter role authenticator in database app set pgrst.db_max_rows = '5'`);
  server.reload();
  await becomes(5);
  await server.sql('alter role authenticator in database app reset all');
  server.reload();
  await becomes(4);
});

test('a reload is needed', async () => {
  await server.sql(`alter role authenticator set pgrst.db_max_rows = '2'`);
  assert.equal(await rows(), 4);
  await server.sql('create extension pgrest; select pgrest.reload()');
  await becomes(2);
  await server.sql('alter role authenticator reset all');
  server.reload();
  await becomes(3);
});

test('settings of the database, of another database, of unknown names, of sockets', async () => {
  const port = server.port;
  await server.sql(`alter database app set pgrst.db_max_rows = '1'; alter role authenticator in database postgres set pgrst.db_max_rows = '1';
    alter role anon set pgrst.db_max_rows = '1'; alter role authenticator set pgrst.nonsense = 'x'; alter role authenticator set pgrst.server_port = '1';
    alter role authenticator set pgrst.db_tx_end = 'commit-allow-override'`);
  server.reload();
  await until('the settings', async () => (await server.get('/items', { headers: { Prefer: 'tx=commit' } })).headers.get('preference-applied') === 'tx=commit');
  assert.equal(await rows(), 3);
  assert.equal(server.port, port);
  await server.sql(`alter database app reset all; alter role authenticator in database postgres reset all; alter role anon reset all;
    alter role authenticator reset all`);
});

test('the function may be named in the database, with a name of any spelling', async () => {
  await server.sql(`alter role authenticator set pgrst.db_pre_config = 'conf.Odd Name'`);
  server.reload();
  await becomes(6);
  assert.ok(!(await aggregates()));
  await server.sql('alter role authenticator reset all');
  server.reload();
  await becomes(3);
});

test('a secret', async () => {
  const other = 'another secret, of the database, 32 bytes';
  await server.sql(`alter role authenticator set pgrst.jwt_secret = '${other}'`);
  server.reload();
  const get = (secret) => server.get('/items', { headers: { Authorization: `Bearer ${token({ role: 'clerk' }, secret)}` } });
  await until('the secret', async () => (await get(other)).status === 200);
  assert.equal((await get(SECRET)).status, 401);
  await server.sql('alter role authenticator reset all');
  server.reload();
  await until('the other secret', async () => (await get(SECRET)).status === 200);
  assert.ok(!server.log().includes(other));
});

for (const [what, change, undo, says] of [
  ['a function that fails', { 'pgrest.db_pre_config': 'conf.broken' }, { 'pgrest.db_pre_config': 'conf.settings' }, 'conf is broken'],
  ['a function that does not exist', { 'pgrest.db_pre_config': 'conf.nothing' }, { 'pgrest.db_pre_config': 'conf.settings' }, 'conf.nothing'],
  ['a value that cannot be', { 'pgrest.db_pre_config': 'conf.wrong_rows' }, { 'pgrest.db_pre_config': 'conf.settings' }, 'db_tx_end'],
]) {
  test(`${what} on reload is logged, and all stays as it was`, async () => {
    const from = server.log().length;
    server.reload(change);
    await logged(says, from);
    assert.equal(await rows(), 3);
    server.reload(undo);
  });
}

test('db_config off: nothing of it', async () => {
  server.reload({ 'pgrest.db_config': 'off' });
  await becomes(7);
  assert.ok(!(await aggregates()));
  server.reload({ 'pgrest.db_config': 'on' });
  await becomes(3);
});

test('a function without end is cancelled, by a timeout and by hand, and the configuration stays', async () => {
  await server.sql(`create function conf.endless() returns void language plpgsql as $$ begin perform pg_sleep(100000); end $$;
    alter role authenticator set statement_timeout = '200ms'`);
  const wanted = 7;
  server.reload({ 'pgrest.db_config': 'on', 'pgrest.db_pre_config': '' });
  await becomes(wanted);
  let from = 0;
  const reload = async (name, cause) => {
    from = server.log().length;
    server.reload({ 'pgrest.db_pre_config': 'conf.endless', 'pgrest.server_trace_header': name });
    if (cause === 'user request') {
      const reading = `backend_type = 'pgrest executor' and wait_event = 'PgSleep'`;
      await until('it to read', async () => (await server.sql(`select count(*) from pg_stat_activity where ${reading}`)) === '1');
      await server.sql(`select pg_cancel_backend(pid) from pg_stat_activity where ${reading}`);
    }
    await logged(`pgrest keeps its configuration: pgrest.db_config: canceling statement due to ${cause}`, from);
    assert.equal(await rows(), wanted);
  };
  // the executor that has the timeout is the one after the first reload
  const executor = () => server.sql(`select pid from pg_stat_activity where backend_type = 'pgrest executor'`);
  const first = await executor();
  server.reload({ 'pgrest.server_trace_header': 'x-1' });
  await until('another executor', async () => !['', first].includes(await executor()));
  await reload('x-2', 'statement timeout');
  await server.sql('alter role authenticator reset statement_timeout');
  const second = await executor();
  server.reload({ 'pgrest.db_pre_config': '', 'pgrest.server_trace_header': '' });
  await until('another executor', async () => !['', second].includes(await executor()));
  await reload('x-3', 'user request');
  server.reload({ 'pgrest.db_pre_config': '', 'pgrest.server_trace_header': '' });
  await becomes(wanted);
});

test('a function that fails at start: 503, and the log names the cause', async () => {
  await server.restart({ 'pgrest.db_pre_config': 'conf.broken' });
  await until('503', async () => (await server.get('/items').catch(() => null))?.status === 503);
  await logged('conf is broken', 0);
  const answer = await server.get('/items');
  assert.deepEqual([answer.status, answer.body.code], [503, 'PGRST002']);
  assert.match(answer.headers.get('retry-after'), /^\d+$/);
  server.reload({ 'pgrest.db_pre_config': 'conf.settings' });
  await server.ready();
  await becomes(3);
});
