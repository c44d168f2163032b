// A hot standby: it reads, it refuses to write, it follows what the primary does, and it becomes a primary itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, sleep, until } from './server.mjs';

let primary;
let standby;
before(async () => {
  primary = await Server.start({ 'pgrest.workers': 2 });
  await primary.sql('create table api.log (id int primary key); grant select, insert on api.log to anon');
  standby = await primary.standby({ max_standby_streaming_delay: '100ms', hot_standby_feedback: 'off' });
});
after(() => {
  standby?.drop();
  primary?.drop();
});

test('it reads what the primary wrote', async () => {
  assert.equal((await primary.post('/items', { id: 100, name: 'new' })).status, 201);
  await until('the row', async () => (await standby.get('/items?id=eq.100')).body.length === 1);
  assert.equal((await standby.get('/rpc/whoami', { claims: { role: 'clerk' } })).body, 'clerk');
  assert.equal((await standby.post('/rpc/value', { query: 'select pg_is_in_recovery()::text' })).body, 'true');
});

test('it refuses to write with 405 and says why', async () => {
  const refused = [
    await standby.post('/items', { id: 101, name: 'no' }),
    await standby.send('PATCH', '/items?id=eq.1', { body: { name: 'no' } }),
    await standby.send('PUT', '/items?id=eq.1', { body: { id: 1, name: 'no' } }),
    await standby.send('DELETE', '/items?id=eq.1'),
    await standby.post('/rpc/run', { command: `insert into api.items values (101, 'no')` }),
    await standby.post('/rpc/run', { command: 'create temporary table t ()' }),
  ];
  for (const { status, body } of refused) {
    assert.deepEqual([status, body.code], [405, '25006']);
    assert.match(body.message, /read-only transaction|during recovery/);
  }
});

test('what a transaction asks of writes is no obstacle to reads', async () => {
  const claims = { role: 'clerk' };
  await primary.sql('alter role clerk set default_transaction_isolation = serializable');
  await until('the change', async () =>
    (await standby.sql(`select count(*) from pg_db_role_setting`)) === (await primary.sql(`select count(*) from pg_db_role_setting`)));
  const answer = await standby.get('/items?id=eq.1', { claims });
  // PostgreSQL has no serializable transactions on a standby
  assert.deepEqual([answer.status, answer.body.code], [400, '0A000']);
  assert.equal((await standby.get('/items?id=eq.1')).status, 200);
  await primary.sql('alter role clerk reset default_transaction_isolation');
  await until('the old value', async () => (await standby.get('/items?id=eq.1', { claims })).status === 200);
});

test('DDL of the primary is seen by the next request', async () => {
  assert.deepEqual((await standby.get('/items?id=eq.1')).body, [{ id: 1, name: 'item 1' }]);
  await primary.sql(`alter table api.items add column note text default 'n'`);
  await until('the column', async () => (await standby.get('/items?id=eq.1')).body[0]?.note === 'n');
  await primary.sql('alter table api.items drop column note');
  await until('the column to go', async () => !('note' in (await standby.get('/items?id=eq.1')).body[0]));
  await primary.sql('create table api.fresh (n int); insert into api.fresh values (7); grant select on api.fresh to anon');
  await until('the table', async () => (await standby.get('/fresh')).status === 200);
  await primary.sql('drop table api.fresh');
  await until('the table to go', async () => (await standby.get('/fresh')).status === 404);
});

test('a read in the way of replay is cancelled, and the next one is served', async () => {
  await primary.sql('create table api.doomed (n int); insert into api.doomed values (1); grant select on api.doomed to anon');
  await primary.sql('create view api.slow as select n, pg_sleep(20)::text from api.doomed; grant select on api.slow to anon');
  await until('the view', async () => (await standby.get('/slow?limit=0')).status === 200);
  const slow = standby.get('/slow');
  await until('it to run', async () =>
    (await standby.sql(`select count(*) from pg_stat_activity where backend_type = 'pgrest executor' and wait_event = 'PgSleep'`)) === '1');
  await primary.sql('drop table api.doomed cascade');
  const { status, body } = await slow;
  assert.deepEqual([status, body.code], [500, '40001']);
  assert.match(body.message, /conflict with recovery/);
  for (let n = 0; n < 4; n++) assert.equal((await standby.get('/items?id=eq.1')).status, 200);
});

test('the primary drops the database and makes it again', async () => {
  await primary.sql('create extension if not exists pgrest');
  await primary.sql('create extension if not exists pgrest; select pgrest.pause()', 'postgres');
  await primary.sql('create database kept template app', 'postgres');
  const running = standby.get('/rpc/nap?seconds=60');
  await until('it to run', async () =>
    (await standby.sql(`select count(*) from pg_stat_activity where backend_type = 'pgrest executor' and wait_event = 'PgSleep'`)) === '1');
  await primary.sql('drop database app with (force)', 'postgres');
  const { status, body } = await running;
  assert.deepEqual([status, body.code], [500, '57P04']);
  await until('503', async () => (await standby.get('/items?id=eq.1')).body.details === 'database "app" does not exist');
  await primary.sql('alter database kept rename to app', 'postgres');
  await primary.sql('select pgrest.resume()', 'postgres');
  await until('answers', async () => (await standby.get('/items?id=eq.1')).status === 200, 40000);
});

test('promoted under load: every read is answered, every acknowledged write is there', async () => {
  let over = false;
  let next = 1;
  const acknowledged = [];
  const seen = new Set();
  const reader = async () => {
    while (!over) {
      const answer = await standby.get('/items?id=eq.1');
      assert.equal(answer.status, 200, answer.text);
    }
  };
  const writer = async () => {
    while (!over) {
      const id = next++;
      const answer = await standby.post('/log', { id });
      seen.add(`${answer.status} ${answer.body.code ?? ''}`.trim());
      if (answer.status === 201) acknowledged.push(id);
    }
  };
  const clients = Promise.all([reader(), reader(), writer(), writer()]);
  await sleep(200);
  standby.cluster('promote');
  await until('writes', () => acknowledged.length > 50);
  over = true;
  await clients;
  assert.deepEqual([...seen].sort(), ['201', '405 25006']);
  const found = (await standby.sql('select id from api.log order by id')).split('\n').map(Number);
  assert.deepEqual(found, acknowledged.sort((a, b) => a - b));
});
