// Uploads: who gives way when memory is short, and how clients of every kind get to see that their body is refused.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Connection, Server, sleep, until } from './server.mjs';

const MB = 1_000_000;
const SQL = readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
  'create extension pgrest; create function api.sink(text) returns int language sql as $$ select length($1) $$;';
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.body_memory': '16MB', 'pgrest.body_timeout': '60s' }, SQL);
});
after(() => server?.drop());

const head = (size, ...fields) => ['POST /rpc/sink HTTP/1.1', 'Host: x', 'Content-Type: text/plain', `Content-Length: ${size}`, ...fields, '', ''].join('\r\n');
const used = async () => Number(await server.sql('select body_memory_used from pgrest.queue'));
const idle = () => until('the memory to be free', async () => (await used()) === 0);

// Sends `now` bytes at once and `pace` bytes more each 50 ms.
function slowly(size, now, pace, from = '127.0.0.1') {
  const connection = new Connection({ port: server.port, host: '127.0.0.1', localAddress: from });
  connection.write(head(size) + 'x'.repeat(now));
  const drip = setInterval(() => connection.write('x'.repeat(pace)), 50);
  drip.unref();
  connection.socket.on('close', () => clearInterval(drip));
  return connection;
}
function upload(size, { from = '127.0.0.1', headers = {}, agent = false, port = server.port } = {}) {
  return new Promise((resolve) => {
    const request = http.request({ host: '127.0.0.1', port, path: '/rpc/sink', method: 'POST', agent, localAddress: from, headers: { 'Content-Type': 'text/plain', 'Content-Length': size, ...headers } }, (response) => {
      let text = '';
      response.on('data', (data) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text), headers: response.headers }));
    });
    request.on('error', (error) => resolve({ status: error.code }));
    request.end(Buffer.alloc(size, 'x'));
  });
}
const taken = async (uploads) => {
  const answers = await Promise.all(uploads);
  return answers.map(({ status, body }) => (status === 200 ? status : `${status} ${body?.message}`));
};

// --- of the 16 MB, uploads get 12 ------------------------------------------------------------------------------

for (const [where, from, other] of [
  ['from another address', '127.0.0.2', '127.0.0.3'],
  ['from the same address, as behind a proxy', '127.0.0.1', '127.0.0.1'],
]) {
  test(`two slow uploads that hold all the memory are in nobody's way: ${where}`, async () => {
    const slow = [slowly(6.3 * MB, 6.26 * MB, 100, from), slowly(6.3 * MB, 6.26 * MB, 100, from)]; // of 12.58 MB
    await until('them to hold it', async () => (await used()) > 12.5 * MB);
    await sleep(1500); // until they are known to be slow
    assert.equal((await server.get(`/items?id=in.(${'1,'.repeat(15_000)}1)`)).status, 200); // its head takes memory as well
    assert.deepEqual(await taken([upload(4 * MB, { from: other })]), [200]);
    assert.deepEqual(await taken([upload(9 * MB, { from: other })]), [200]);
    for (const connection of slow) {
      const [answer] = await connection.take();
      assert.deepEqual([answer.status, JSON.parse(answer.body).code, answer.headers['retry-after'], answer.headers.connection], [503, '53200', '0', 'close']);
      assert.match(JSON.parse(answer.body).message, /more slowly than others/);
      connection.end();
    }
    await idle();
  });
}

test('many quick uploads of one address leave the slow one of another alone', async () => {
  const small = slowly(1 * MB, 300_000, 20_000, '127.0.0.3');
  await until('it to have begun', async () => (await used()) > 0);
  let done = false;
  const crowd = Array.from({ length: 12 }, async () => {
    const seen = [];
    while (!done) seen.push((await upload(4 * MB, { from: '127.0.0.2' })).status);
    return seen;
  });
  const [answer] = await small.take();
  done = true;
  assert.equal(answer.status, 200, small.received);
  assert.equal(answer.body, '1000000');
  small.end();
  const seen = (await Promise.all(crowd)).flat();
  assert.deepEqual([...new Set(seen)].filter((status) => ![200, 503].includes(status)), []);
  assert.ok(seen.includes(200));
  await idle();
});

test('slow uploads that another listener holds give way too', async () => {
  await server.restart({ 'pgrest.listeners': 2 });
  await server.ready();
  const slow = Array.from({ length: 8 }, () => slowly(6 * MB, 1.45 * MB, 100, '127.0.0.2'));
  await until('them to hold it', async () => (await used()) > 11.5 * MB);
  await sleep(1500);
  // the connections are spread by chance; each listener gets some of these
  for (let n = 0; n < 12; n++) assert.deepEqual(await taken([upload(700_000, { from: '127.0.0.3' })]), [200]);
  for (const connection of slow) connection.end();
  await idle();
  await server.restart({ 'pgrest.listeners': 1 });
  await server.ready();
});

// --- refused ---------------------------------------------------------------------------------------------------

const refused = { headers: { Authorization: 'Bearer x' } };

test('a client that goes on sending gets the answer: Node', async () => {
  for (const size of [7 * MB, 9 * MB, 40 * MB, 100 * MB]) {
    const answer = await upload(size, refused);
    assert.deepEqual([answer.status, answer.body?.code], [401, 'PGRST301'], `${size}`);
    assert.equal((await server.post('/rpc/sink', 'x'.repeat(size), refused)).status, 401);
  }
  assert.equal((await upload(80 * MB)).status, 413);
  assert.equal((await upload(40 * MB)).status, 503); // more than there is memory for
  const agent = new http.Agent({ keepAlive: true });
  assert.equal((await upload(40 * MB, { ...refused, agent })).status, 401);
  assert.equal((await upload(1000, { agent })).status, 200);
  agent.destroy();
});

test('a client that goes on sending gets the answer: Python', async () => {
  const program = `
import http.client, sys
for size in (9, 40, 100):
    connection = http.client.HTTPConnection('127.0.0.1', ${server.port})
    connection.request('POST', '/rpc/sink', b'x' * (size * 1000000), {'Authorization': 'Bearer x', 'Content-Type': 'text/plain'})
    answer = connection.getresponse()
    print(answer.status, answer.read().decode()[:18])
    def pieces():
        for _ in range(size): yield b'x' * 1000000
    connection = http.client.HTTPConnection('127.0.0.1', ${server.port})
    connection.request('POST', '/rpc/sink', pieces(), {'Authorization': 'Bearer x', 'Content-Type': 'text/plain'}, encode_chunked=True)
    print(connection.getresponse().status)
`;
  const { stdout } = await promisify(execFile)('python3', ['-c', program]);
  assert.equal(stdout, '401 {"code":"PGRST301"\n401\n'.repeat(3));
});

test('the answer comes before the end of the body, and then nothing more is awaited for long', async () => {
  const listener = await server.sql(`select pid from pg_stat_activity where backend_type = 'pgrest listener'`);
  const descriptors = () => readdirSync(`/proc/${listener}/fd`).length;
  await idle();
  const before = descriptors();
  const silent = Array.from({ length: 20 }, () => {
    const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(`${head(50 * MB, 'Authorization: Bearer x')}${'x'.repeat(100_000)}`);
    socket.resume();
    socket.on('error', () => {});
    return new Promise((resolve) => socket.on('end', () => resolve(socket)));
  });
  const sockets = await Promise.all(silent); // each got the end of the answer, and has not closed its own half
  await until('their end', () => descriptors() <= before, 20000);
  sockets.forEach((socket) => socket.destroy());
});

test('what is thrown away of a body without end is bounded', async () => {
  const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  let failed = false;
  socket.on('error', () => (failed = true)).resume();
  socket.write(['POST /rpc/sink HTTP/1.1', 'Host: x', 'Authorization: Bearer x', 'Transfer-Encoding: chunked', '', ''].join('\r\n'));
  const chunk = `100000\r\n${'x'.repeat(1 << 20)}\r\n`;
  let sent = 0;
  for (; sent < 2000 && !failed; sent++) await new Promise((resolve) => socket.write(chunk, resolve));
  assert.ok(failed, `${sent} MB`);
  assert.ok(sent > 200 && sent < 400, `${sent} MB`);
});

test('an answer of status 205 has no body', async () => {
  await server.sql(`
    create function api.reset() returns text language sql as $$ select set_config('response.status', '205', true) $$;
    create function api.raise() returns text language plpgsql as $$
      begin raise sqlstate 'PGRST' using message = '{"code":"a","message":"b"}', detail = '{"status":205,"headers":{}}'; end $$;
    create view api.stream as select n, repeat('x', 1000) as filler, set_config('response.status', '205', true) from generate_series(1, 5000) n;
    grant select on api.stream to anon`);
  for (const [method, target] of [['POST', '/rpc/reset'], ['POST', '/rpc/raise'], ['GET', '/stream'], ['HEAD', '/stream']]) {
    const connection = server.connect();
    connection.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`.repeat(2));
    await connection.take(2);
    assert.deepEqual(connection.answers().map(({ status, headers }) => [status, headers['content-length'], headers['transfer-encoding']]), [[205, '0', undefined], [205, '0', undefined]], connection.received.slice(0, 1000));
    assert.ok(connection.received.endsWith('\r\n\r\n'));
    connection.end();
  }
});
