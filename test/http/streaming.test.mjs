// Large bodies: answers that are sent while they are made, clients that read slowly or not at all, memory that stays small.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { SANITIZED, Server, until } from './server.mjs';

const ROWS = 60000; // of a little more than 1000 bytes each
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.body_memory': '16MB', work_mem: '64kB' });
  await server.sql(`
    create view api.flood as select n, repeat('x', 1000) as filler from generate_series(1, ${ROWS}) n;
    create view api.broken as select n, 1 / (50000 - n) as v, repeat('x', 100) as filler from generate_series(1, ${ROWS}) n;
    create view api.early as select n, 1 / (10 - n) as v from generate_series(1, ${ROWS}) n;
    create function api.flood() returns setof api.flood volatile language sql as 'select * from api.flood';
    create function api.headed() returns text stable language sql as
      $$ select set_config('response.headers', '[{"X-First": "row"}]', true) $$;
    create view api.headed_flood as select api.headed(), * from api.flood;
    grant select on all tables in schema api to anon`);
});
after(() => server?.drop());

const pids = async () => (await server.sql(`select pid from pg_stat_activity where backend_type like 'pgrest%' order by pid`)).split('\n');
const memoryOf = (pid) => SANITIZED ? 0 : Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/RssAnon:\s+(\d+) kB/)[1]);
const memory = async () => Object.fromEntries((await pids()).map((pid) => [pid, memoryOf(pid)]));
const active = async (text) => server.sql(`select count(*) from pg_stat_activity where backend_type like 'pgrest%' and state = 'active' and query like '%${text}%'`);

// An answer whose body is only counted.
function count(method, path, { headers = {}, body, onData } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(server.url + path, { method, headers, agent: false }, (response) => {
      let bytes = 0;
      response.on('data', (data) => {
        bytes += data.length;
        onData?.(bytes, response);
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, bytes }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

test('an answer over the threshold is streamed, and whole', async () => {
  const answer = await server.get('/flood?order=n');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-length'), null);
  assert.equal(answer.headers.get('transfer-encoding'), 'chunked');
  assert.equal(answer.headers.get('content-range'), null);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(answer.body.length, ROWS);
  assert.ok(answer.body.every((row, i) => row.n === i + 1 && row.filler.length === 1000));
});

test('CSV is streamed too', async () => {
  const answer = await server.get('/flood?order=n', { headers: { Accept: 'text/csv' } });
  assert.equal(answer.headers.get('content-length'), null);
  const lines = answer.text.split('\n');
  assert.equal(lines.length, ROWS + 1);
  assert.ok(lines[ROWS].startsWith(`${ROWS},xxx`));
});

test('an answer below the threshold, a counted and a singular one are not streamed', async () => {
  const small = await server.get('/flood?limit=100');
  assert.equal(small.headers.get('content-length'), String(small.text.length));
  assert.equal(small.headers.get('content-range'), '0-99/*');
  const counted = await server.get('/flood?limit=5000', { headers: { Prefer: 'count=exact' } });
  assert.equal(counted.status, 206);
  assert.equal(counted.headers.get('content-range'), `0-4999/${ROWS}`);
  assert.equal(counted.headers.get('content-length'), String(counted.text.length));
  const single = await server.get('/flood', { headers: { Accept: 'application/vnd.pgrst.object+json' } });
  assert.deepEqual([single.status, single.body.code], [406, 'PGRST116']);
});

test('the threshold is a setting', async () => {
  const length = async () => (await server.get('/flood?limit=100')).headers.get('content-length');
  server.reload({ 'pgrest.stream_threshold': '16kB' });
  await until('a low threshold', async () => (await length()) === null);
  server.reload({ 'pgrest.stream_threshold': '1MB' });
  await until('the threshold as before', async () => (await length()) !== null);
});

test('headers that rows set before the first byte is sent are sent', async () => {
  const answer = await count('GET', '/headed_flood?select=headed,filler');
  assert.equal(answer.headers['x-first'], 'row');
  assert.equal(answer.headers['transfer-encoding'], 'chunked');
});

test('a client of HTTP/1.0 gets it without chunks', async () => {
  const connection = server.connect();
  connection.write('GET /flood?select=n&order=n&limit=50000 HTTP/1.0\r\nHost: x\r\n\r\n');
  await until('the end of the connection', () => connection.closed);
  const body = connection.received.slice(connection.received.indexOf('\r\n\r\n') + 4);
  assert.doesNotMatch(connection.received.slice(0, 1000), /transfer-encoding/i);
  assert.equal(JSON.parse(body).length, 50000);
});

test('an error before the first byte is an error, one after it breaks the connection off', async () => {
  const early = await server.get('/early');
  assert.deepEqual([early.status, early.body.code], [400, '22012']);
  let status;
  await assert.rejects(count('GET', '/broken', { onData: (_, response) => (status = response.statusCode) }), { code: 'ECONNRESET' });
  assert.equal(status, 200);
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
});

test('memory stays small', async () => {
  await count('GET', '/flood');
  const before = await memory();
  for (let n = 0; n < 4; n++) assert.ok((await count('GET', '/flood')).bytes > ROWS * 1000);
  const now = await memory();
  for (const [pid, kilobytes] of Object.entries(now)) assert.ok(kilobytes - (before[pid] ?? kilobytes) < 8 * 1024, `${pid}: ${before[pid]} to ${kilobytes} kB`);
});

// A client that has asked and reads nothing.
function idleReader(path) {
  const socket = net.connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  return socket;
}
const stalled = async () => server.sql(`select count(*) from pg_stat_activity where backend_type like 'pgrest%' and state = 'active' and wait_event_type = 'Extension' and query like '%flood%'`);

test('a client that does not read stops the query, and the others go on', async () => {
  const reader = idleReader('/flood');
  await until('the executor to wait for it', async () => (await stalled()) === '1');
  const before = await memory();
  for (let n = 0; n < 20; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.ok((await count('GET', '/flood')).bytes > ROWS * 1000);
  const now = await memory();
  for (const [pid, kilobytes] of Object.entries(now)) assert.ok(kilobytes - (before[pid] ?? kilobytes) < 24 * 1024, `${pid}: ${before[pid]} to ${kilobytes} kB`);
  assert.equal(await stalled(), '1');
  // When it reads at last, everything is there.
  let text = '';
  reader.setEncoding('latin1');
  reader.on('data', (data) => (text += data));
  reader.resume();
  await until('the end of the answer', () => reader.closed, 30000);
  assert.ok(text.endsWith(']\r\n0\r\n\r\n'), text.slice(-100));
  assert.ok(text.length > ROWS * 1000);
});

test('a client that leaves in the middle ends its query', async () => {
  const reader = idleReader('/flood');
  await until('the executor to wait for it', async () => (await stalled()) === '1');
  reader.destroy();
  await until('the query to end', async () => (await active('flood')) === '0');
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
});

test('a client that never reads is given up', async () => {
  server.reload({ 'pgrest.send_timeout': '1s' });
  await until('the setting', async () => (await server.sql('show pgrest.send_timeout')) === '1s');
  const reader = idleReader('/flood');
  await until('the executor to wait for it', async () => (await stalled()) === '1');
  await until('the query to end', async () => (await active('flood')) === '0', 15000);
  reader.destroy();
  server.reload({ 'pgrest.send_timeout': '30s' });
});

test('answers larger than the memory for bodies, several at once', async () => {
  const json = { 'Content-Type': 'application/json' };
  const answers = await Promise.all([
    ...[1, 2].map(() => count('POST', '/rpc/flood', { headers: json, body: '{}' })),
    ...[1, 2, 3].map(() => count('GET', '/flood')),
  ]);
  for (const { status, bytes, headers } of answers) {
    assert.equal(status, 200);
    assert.ok(bytes > ROWS * 1000);
    if (headers['content-length']) assert.equal(bytes, Number(headers['content-length']));
  }
});

test('a body larger than the memory for bodies is refused, and nothing of it stays', async () => {
  const name = 'x'.repeat(14 * 1024 * 1024);
  for (let n = 0; n < 3; n++) {
    const answer = await server.post('/items', { id: 300, name });
    assert.deepEqual([answer.status, answer.body.code], [503, '53200']);
    assert.ok(answer.headers.get('retry-after'));
  }
  const fits = { id: 301, name: 'x'.repeat(8 * 1024 * 1024) };
  for (let n = 0; n < 5; n++) {
    assert.equal((await server.post('/items', fits)).status, 201);
    assert.equal((await server.send('DELETE', '/items?id=eq.301')).status, 204);
  }
});

test('a body over max_body_size is refused, with a length and in chunks', async () => {
  server.reload({ 'pgrest.max_body_size': '64kB' });
  const body = JSON.stringify({ id: 302, name: 'x'.repeat(100_000) });
  await until('the limit', async () => (await server.post('/rpc/nothing', body)).status === 413);
  assert.match((await server.post('/items', body)).body.message, /large/);
  const connection = server.connect();
  connection.write('POST /items HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
  connection.write(`${body.length.toString(16)}\r\n${body}\r\n`);
  assert.equal((await connection.take())[0].status, 413);
  connection.end();
  assert.equal(await server.sql('select count(*) from api.items where id = 302'), '0');
  server.reload({ 'pgrest.max_body_size': '64MB' });
});

// An answer begins in its slot, 16 kB, and goes on in chunks of 64 kB.
test('answers of every size around the edges of the memory that they go through arrive whole', async () => {
  await server.sql(`create function api.sized(length int) returns text stable language sql as $$ select repeat('x', length - 1) || 'y' $$;
    create function api.sized_rows(length int) returns table (v text) stable language sql as $$ select repeat('x', length - 1) || 'y' $$`);
  const sizes = [];
  for (const chunks of [0, 1, 3]) {
    const edge = 16 * 1024 + chunks * 64 * 1024;
    // the head of the answer comes before it
    for (let size = edge - 450; size < edge + 10; size += 1 + (size % 3)) sizes.push(size);
  }
  const check = async (size) => {
    const whole = await server.get(`/rpc/sized?length=${size}`);
    assert.equal(whole.headers.get('content-length'), String(size + 2));
    assert.ok(whole.body.length === size && whole.body.endsWith('xy'), `${size} bytes`);
    const streamed = await server.get(`/rpc/sized_rows?length=${size}`);
    assert.ok(streamed.body.length === 1 && streamed.body[0].v.length === size && streamed.body[0].v.endsWith('xy'), `a row of ${size} bytes`);
  };
  for (const threshold of ['1MB', '1kB']) {
    server.reload({ 'pgrest.stream_threshold': threshold });
    await until('the setting', async () => (await server.get('/flood?limit=100')).headers.has('content-length') === (threshold === '1MB'));
    for (let n = 0; n < sizes.length; n += 4) await Promise.all(sizes.slice(n, n + 4).map(check));
  }
});
