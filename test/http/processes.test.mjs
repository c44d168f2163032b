// What happens around requests: clients that leave, slow queries, reloads, killed workers, bad settings.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, sleep, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2 });
});
after(() => server?.drop());

const running = async (text) => Number(await server.sql(`select count(*) from pg_stat_activity where state = 'active' and query like '%${text}%' and pid <> pg_backend_pid()`));

test('the workers are in pg_stat_activity', async () => {
  const types = (await server.sql(`select distinct backend_type from pg_stat_activity where backend_type like 'pgrest%' order by 1`)).split('\n');
  assert.ok(types.length >= 2, types.join());
});

test('a slow query holds one executor, the others go on', async () => {
  const slow = server.post('/rpc/sleep', { seconds: 1.5 });
  await sleep(100);
  const begin = Date.now();
  for (let n = 0; n < 10; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.ok(Date.now() - begin < 1000, 'fast requests waited for a slow one');
  assert.equal((await slow).body, 'slept');
});

test('what needs no database is answered while every executor is busy', async () => {
  const slow = [1, 2].map(() => server.post('/rpc/sleep', { seconds: 1.5 }));
  await sleep(200);
  const begin = Date.now();
  assert.equal((await server.get('/items', { headers: { Authorization: 'Bearer x' } })).status, 401);
  assert.equal((await server.get('/items?id=nonsense')).status, 400);
  assert.equal((await server.get('/a/b/c')).status, 404);
  assert.ok(Date.now() - begin < 1000);
  await Promise.all(slow);
});

test('a read whose client left is cancelled', async () => {
  const connection = server.connect();
  connection.write('GET /rpc/nap?seconds=30 HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the query to run', async () => (await running('nap')) > 0);
  connection.end();
  await until('the query to be cancelled', async () => (await running('nap')) === 0, 5000);
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
});

test('a write whose client left goes on', async () => {
  await server.sql('create table api.late (n int); grant insert, select on api.late to anon');
  const connection = server.connect();
  const body = JSON.stringify({ command: 'insert into api.late select 1 from pg_sleep(1)' });
  connection.write(`POST /rpc/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until('the query to run', async () => (await running('run')) > 0);
  connection.end();
  await until('the row', async () => (await server.sql('select count(*) from api.late')) === '1');
});

test('statement_timeout ends a request', async () => {
  await server.sql(`alter role clerk set statement_timeout = '200ms'`);
  server.reload();
  await until('the setting of the role', async () =>
    (await server.value(`select current_setting('statement_timeout')`, { claims: { role: 'clerk' } })) === '200ms');
  const answer = await server.post('/rpc/sleep', { seconds: 10 }, { claims: { role: 'clerk' } });
  assert.equal(answer.status, 500);
  assert.equal(answer.body.code, '57014');
  assert.equal((await server.post('/rpc/sleep', { seconds: 0.5 })).body, 'slept');
});

test('pg_cancel_backend cancels one request and not the next', async () => {
  const slow = server.post('/rpc/sleep', { seconds: 20 });
  await until('the query to run', async () => (await running('sleep')) > 0);
  await server.sql(`select pg_cancel_backend(pid) from pg_stat_activity where state = 'active' and query like '%sleep%' and pid <> pg_backend_pid()`);
  const answer = await slow;
  assert.equal(answer.body.code, '57014');
  await server.sql(`select pg_cancel_backend(pid) from pg_stat_activity where backend_type like 'pgrest%executor%'`);
  await sleep(100);
  for (let n = 0; n < 10; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
});

test('a killed executor: its request is 503, the next one is served', async () => {
  const slow = server.post('/rpc/sleep', { seconds: 20 });
  await until('the query to run', async () => (await running('sleep')) > 0);
  await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where state = 'active' and query like '%sleep%' and pid <> pg_backend_pid()`);
  const answer = await slow;
  assert.equal(answer.status, 503);
  assert.ok(answer.headers.get('retry-after'));
  for (let n = 0; n < 10; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  await until('both executors again', async () =>
    (await server.sql(`select count(*) from pg_stat_activity where backend_type like 'pgrest%executor%'`)) === '2');
});

test('a reload changes settings and drops no connection', async () => {
  const connection = server.connect();
  connection.write('GET /items?id=eq.1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await connection.take(1);
  server.reload({ 'pgrest.db_max_rows': 3 });
  await until('the new limit', async () => (await server.get('/items')).body.length === 3);
  connection.write('GET /items HTTP/1.1\r\nHost: x\r\n\r\n');
  const answers = await connection.take(2);
  assert.equal(JSON.parse(answers[1].body).length, 3);
  connection.end();
  await server.sql('create extension if not exists pgrest');
  server.configure({ 'pgrest.db_max_rows': '' });
  await server.sql('select pgrest.reload()');
  await until('the old limit', async () => (await server.get('/items')).body.length === 10);
});

test('a reload with a value that cannot work changes nothing', async () => {
  server.reload({ 'pgrest.db_tx_end': 'sometimes' });
  await sleep(300);
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.match(server.log(), /db_tx_end/);
  server.reload({ 'pgrest.db_tx_end': 'commit' });
});

test('a changed secret acts at once, on cached tokens too', async () => {
  const headers = { claims: { role: 'clerk' } };
  assert.equal((await server.get('/rpc/whoami', headers)).body, 'clerk');
  server.reload({ 'pgrest.jwt_secret': 'another secret, which is also long enough' });
  await until('tokens of the old secret to be refused', async () => (await server.get('/rpc/whoami', headers)).status === 401);
  server.reload({ 'pgrest.jwt_secret': 'a secret of the tests over HTTP, 32 bytes or more' });
  await until('them to be accepted again', async () => (await server.get('/rpc/whoami', headers)).status === 200);
});

test('pause lets go of the database', async () => {
  await server.sql('create extension if not exists pgrest', 'postgres');
  await server.sql('select pgrest.pause()', 'postgres');
  assert.equal((await server.get('/items')).status, 503);
  await server.sql('alter database app rename to other', 'postgres');
  await server.sql('alter database other rename to app', 'postgres');
  await server.sql('select pgrest.resume()', 'postgres');
  await server.ready();
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
});

test('the database is dropped and comes back', async () => {
  await server.sql('create database spare template template0', 'postgres');
  await server.sql('drop database app with (force)', 'postgres');
  await until('503', async () => (await server.get('/items')).status === 503);
  const answer = await server.get('/items');
  assert.ok(answer.headers.get('retry-after'));
  await server.sql('alter database spare rename to app', 'postgres');
  await server.sql('create schema api; create table api.items (id int); grant usage on schema api to anon; grant select on api.items to anon');
  await until('an answer', async () => (await server.get('/items')).status === 200, 40000);
});

test('a listener that stops closes idle connections at once, answers what ends in time, and lets nobody in', async () => {
  server.reload({ 'pgrest.shutdown_timeout': '20s' });
  await until('the setting', async () => (await server.sql('show pgrest.shutdown_timeout')) === '20s');
  await server.sql(`create table api.gate (); grant select on api.gate to anon;
    create function api.held() returns text language plpgsql as $$
      begin loop exit when exists (select from api.gate); perform pg_sleep(0.05); end loop; return 'let go'; end $$`);
  const [fresh, idle, busy] = [server.connect(), server.connect(), server.connect()];
  idle.write('GET /items HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await idle.take())[0].status, 200);
  const { received } = idle;
  busy.write('POST /rpc/held HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
  await until('it to run', async () => (await running('/rpc/held')) === 1);
  await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'pgrest listener'`);
  await until('the idle connections to end', () => fresh.closed && idle.closed);
  assert.deepEqual([fresh.received, idle.received, busy.received], ['', received, '']);
  await assert.rejects(server.get('/items'), (error) => error.cause.code === 'ECONNREFUSED');
  await server.sql('insert into api.gate default values');
  const [answer] = await busy.take();
  assert.deepEqual([answer.status, answer.body, answer.headers.connection], [200, '"let go"', 'close']);
  await until('the end of the connection', () => busy.closed);
  await until('another listener', () => server.get('/items').then((answer) => answer.status === 200, () => false));
});

test('after a stop nobody listens', async () => {
  server.cluster('stop');
  await assert.rejects(server.get('/items'));
});
