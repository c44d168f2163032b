// Where pgrest listens: every form of the host, any port, a port in use, unix sockets, several processes, several servers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Connection, freePort, ROOT, Server, sleep, until } from './server.mjs';

let server;
let path; // of a unix socket, in a folder that both user postgres and this test can enter
before(async () => {
  server = await Server.start();
  chmodSync(server.dir, 0o755);
  mkdirSync(join(server.dir, 'sockets'));
  chmodSync(join(server.dir, 'sockets'), 0o777);
  path = join(server.dir, 'sockets', 'pgrest');
});
after(() => server?.drop());

// The status of a request at an address; the error's code when nobody listens there.
async function ask(where) {
  const connection = new Connection(where);
  const failure = new Promise((resolve) => connection.socket.on('error', (error) => resolve(error.code)));
  connection.write('GET /items?id=eq.1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const status = connection.take().then(([answer]) => answer?.status);
  const outcome = await Promise.race([failure, status]);
  connection.end();
  return outcome;
}

const linesSince = (mark) => server.log().slice(mark);

// Restarts with these settings and returns the address that the log names.
async function listening(settings) {
  const mark = server.log().length;
  await server.restart(settings);
  await until('a listener', () => /pgrest listens on/.test(linesSince(mark)));
  const [, address] = linesSince(mark).match(/pgrest listens on (.*)/);
  return address;
}

async function answers(where) {
  await until(`an answer at ${JSON.stringify(where)}`, async () => (await ask(where)) === 200);
}

const v6 = await new Promise((resolve) => {
  const probe = net.createServer().on('error', () => resolve(false));
  probe.listen(0, '::1', () => probe.close(() => resolve(true)));
});

for (const [host, address, served, refused] of [
  ['!4', (port) => `0.0.0.0:${port}`, ['127.0.0.1'], ['::1']],
  ['!6', (port) => `[::]:${port}`, ['::1'], ['127.0.0.1']],
  ['*', (port) => `[::]:${port}`, ['127.0.0.1', '::1'], []],
  ['*4', (port) => `0.0.0.0:${port}`, ['127.0.0.1'], ['::1']],
  ['*6', (port) => `[::]:${port}`, ['127.0.0.1', '::1'], []],
  ['127.0.0.1', (port) => `127.0.0.1:${port}`, ['127.0.0.1'], ['127.0.0.2', '::1']],
  ['127.0.0.2', (port) => `127.0.0.2:${port}`, ['127.0.0.2'], ['127.0.0.1']],
  ['::1', (port) => `[::1]:${port}`, ['::1'], ['127.0.0.1']],
  ['localhost', (port) => new RegExp(`^(127\\.0\\.0\\.1|\\[::1\\]):${port}$`), ['localhost'], ['127.0.0.2']],
]) {
  const needsV6 = host.includes('6') || host === '*' || host.includes(':');
  test(`server_host = '${host}'`, { skip: needsV6 && !v6 && 'no IPv6 here' }, async () => {
    const { port } = server;
    const named = await listening({ 'pgrest.server_host': host });
    const expected = address(port);
    if (expected instanceof RegExp) assert.match(named, expected);
    else assert.equal(named, expected);
    for (const name of served) await answers({ host: name, port });
    for (const name of refused) {
      if (name.includes(':') && !v6) continue;
      assert.equal(await ask({ host: name, port }), 'ECONNREFUSED', `${name} is served`);
    }
  });
}

for (const [host, reason] of [
  ['no.such.name.invalid', /pgrest does not listen: could not resolve "no\.such\.name\.invalid": .*; trying again every second/],
  ['[::1]', /pgrest does not listen: could not resolve "\[::1\]": .*; trying again every second/],
  ['192.0.2.1', /pgrest does not listen: could not bind 192\.0\.2\.1:\d+: Cannot assign requested address; trying again/],
]) {
  test(`server_host = '${host}': PostgreSQL starts, and the log says once what is wrong`, async () => {
    const mark = server.log().length;
    await server.restart({ 'pgrest.server_host': host });
    assert.equal(await server.sql('select 1'), '1');
    await until('the reason', () => reason.test(linesSince(mark)));
    assert.equal(linesSince(mark).match(/does not listen/g).length, 1);
  });
}

test('port 0 takes a free port, which the log names', async () => {
  const address = await listening({ 'pgrest.server_host': '127.0.0.1', 'pgrest.server_port': 0 });
  const port = Number(address.split(':')[1]);
  assert.ok(port > 0, address);
  await answers({ host: '127.0.0.1', port });
});

test('port 0 with three listeners: all have the same port, also one that was ended and came back', async () => {
  const address = await listening({ 'pgrest.server_port': 0, 'pgrest.listeners': 3 });
  const serving = async () =>
    (await server.sql(`select count(*) from pg_stat_activity where backend_type = 'pgrest listener' and query = 'listening on ${address}'`)) === '3';
  await until('all three', serving);
  await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'pgrest listener'`);
  await until('all three again', serving);
  const port = Number(address.split(':')[1]);
  for (let n = 0; n < 20; n++) assert.equal(await ask({ host: '127.0.0.1', port }), 200);
});

for (const listeners of [1, 2]) {
  test(`a port in use, ${listeners} listeners: PostgreSQL starts, the log says it once, and it is tried again`, async () => {
    const port = await freePort();
    const occupant = net.createServer((socket) => socket.end('mine\n'));
    await new Promise((resolve) => occupant.listen(port, '127.0.0.1', resolve));
    const mark = server.log().length;
    await server.restart({ 'pgrest.server_port': port, 'pgrest.listeners': listeners });
    const reason = `pgrest does not listen: could not bind 127.0.0.1:${port}: Address already in use; trying again every second`;
    await until('the reason', () => linesSince(mark).includes(reason));
    assert.equal(await server.sql('select 1'), '1');
    await new Promise((resolve) => occupant.close(resolve));
    await answers({ host: '127.0.0.1', port });
    assert.equal(linesSince(mark).match(/does not listen/g).length, 1);
  });
}

test('two servers with several listeners do not share a port by accident', async () => {
  const port = await freePort();
  await listening({ 'pgrest.server_port': port, 'pgrest.listeners': 2 });
  const other = await Server.create({ 'pgrest.server_port': port, 'pgrest.listeners': 2 });
  try {
    other.configure();
    other.cluster('start');
    await until('the other to find the port in use', () => /could not bind 127\.0\.0\.1:\d+: Address already in use/.test(other.log()));
    server.cluster('stop');
    await until('the other to have it', () => /pgrest listens on/.test(other.log()));
  } finally {
    other.drop();
  }
});

test('server_reuseport: a successor takes over without a refused request', async () => {
  const port = await freePort();
  const shared = { 'pgrest.server_port': port, 'pgrest.listeners': 1, 'pgrest.server_reuseport': 'on' };
  await listening(shared);
  await answers({ host: '127.0.0.1', port });
  const successor = await Server.start(shared);
  try {
    await until('the successor to listen', () => /pgrest listens on/.test(successor.log()));
    server.cluster('stop');
    for (let n = 0; n < 20; n++) assert.equal(await ask({ host: '127.0.0.1', port }), 200);
  } finally {
    successor.drop();
  }
});

test('server_reuseport: no port before there is a database', async () => {
  const port = await freePort();
  const mark = server.log().length;
  await server.restart({ 'pgrest.server_port': port, 'pgrest.server_reuseport': 'on', 'pgrest.database': 'later' });
  await until('the reason', () => /cannot connect its executors: database "later" does not exist/.test(linesSince(mark)));
  assert.equal(await ask({ host: '127.0.0.1', port }), 'ECONNREFUSED');
  await server.sql('create database later template app', 'postgres');
  await answers({ host: '127.0.0.1', port });
  server.configure({ 'pgrest.database': 'app', 'pgrest.server_reuseport': 'off' });
});

test('a unix socket goes over host and port, has its mode, and is removed at the end', async () => {
  const { port } = server;
  const unix = { 'pgrest.server_port': port, 'pgrest.server_unix_socket': path, 'pgrest.server_unix_socket_mode': '606' };
  assert.equal(await listening(unix), path);
  await answers({ path });
  assert.equal(statSync(path).mode & 0o777, 0o606);
  assert.equal(await ask({ host: '127.0.0.1', port }), 'ECONNREFUSED');
  server.cluster('stop');
  assert.equal(existsSync(path), false);
});

test('a socket that nobody listens on is replaced', async () => {
  const stale = net.createServer();
  await new Promise((resolve) => stale.listen(path, resolve));
  const kept = `${path}.kept`;
  server.cluster('stop');
  // close() removes the file; its second name stays and is put back
  linkSync(path, kept);
  await new Promise((resolve) => stale.close(resolve));
  linkSync(kept, path);
  rmSync(kept);
  chmodSync(path, 0o777);
  assert.ok(lstatSync(path).isSocket());
  assert.equal(await ask({ path }), 'ECONNREFUSED');
  assert.equal(await listening({}), path);
  await answers({ path });
});

test('a socket that another server answers on is left alone', async () => {
  server.cluster('stop');
  // the other one is only asked whether it is there, with a connection that ends at once
  const other = net.createServer((socket) => socket.on('error', () => {}).resume().end('HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n'));
  await new Promise((resolve) => other.listen(path, resolve));
  chmodSync(path, 0o777);
  const mark = server.log().length;
  server.cluster('start');
  await until('the reason', () => linesSince(mark).includes(`pgrest does not listen: another server listens on ${path}`));
  assert.equal(await ask({ path }), 299);
  await new Promise((resolve) => other.close(resolve));
  await answers({ path });
});

test('a file that is no socket is left alone', async () => {
  server.cluster('stop');
  writeFileSync(path, 'precious');
  const mark = server.log().length;
  server.cluster('start');
  await until('the reason', () => linesSince(mark).includes(`pgrest does not listen: ${path} exists and is no socket`));
  assert.ok(lstatSync(path).isFile());
  rmSync(path);
  await answers({ path });
});

test('a path in a folder that does not exist: the log says so once, and PostgreSQL starts', async () => {
  const mark = server.log().length;
  await server.restart({ 'pgrest.server_unix_socket': join(server.dir, 'missing', 'pgrest') });
  await until('the reason', () => /pgrest does not listen: could not bind .*\/missing\/pgrest: No such file or directory/.test(linesSince(mark)));
  await sleep(1500); // it is tried again
  assert.equal(linesSince(mark).match(/does not listen/g).length, 1);
  assert.equal(await server.sql('select 1'), '1');
});

test('a path of 100 bytes: every request is 503, and the log names the setting', async () => {
  const mark = server.log().length;
  await server.restart({ 'pgrest.server_unix_socket': `/${'x'.repeat(99)}` });
  await until('503', async () => (await ask({ host: '127.0.0.1', port: server.port })) === 503);
  assert.match(linesSince(mark), /answers 503 to every request: pgrest\.server_unix_socket/);
});

test('several listeners and a unix socket: one serves it, and comes back when it is ended', async () => {
  const listeners = async () => (await server.sql(`select pid, query from pg_stat_activity where backend_type = 'pgrest listener' order by query`)).split('\n').map((row) => row.split('|'));
  await listening({ 'pgrest.server_unix_socket': path, 'pgrest.listeners': 3 });
  await answers({ path });
  const serving = async () => (await listeners()).filter(([, query]) => query === `listening on ${path}`).map(([pid]) => pid);
  await until('three, of which one serves', async () => (await listeners()).length === 3 && (await serving()).length === 1);
  const [first] = await serving();
  await server.sql(`select pg_terminate_backend(${first})`);
  // until it has ended, it may still answer
  await until('another one to serve', async () => (await serving()).length === 1 && (await serving())[0] !== first);
  await answers({ path });
});

// Reads `size` bytes each 50 ms; or nothing at all.
function readOverSocket(request, size) {
  const reading = { bytes: 0, closed: false, socket: net.connect({ path, highWaterMark: 16 * 1024 }) };
  reading.socket.on('error', () => {}).on('close', () => (reading.closed = true));
  if (size > 0) {
    reading.socket.on('readable', () => {});
    reading.socket.on('end', () => (reading.closed = true));
    reading.timer = setInterval(() => {
      for (let rest = size; rest > 0; ) {
        const data = reading.socket.read(Math.min(rest, reading.socket.readableLength || 1));
        if (!data) return;
        rest -= data.length;
        reading.bytes += data.length;
      }
    }, 50);
    reading.timer.unref();
  } else reading.socket.pause();
  reading.socket.write(`GET ${request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  return reading;
}

test('over a unix socket slow readers get everything, and those that do not read are given up', async () => {
  await server.sql(`create or replace view api.flood as select n, repeat('x', 1000) as filler from generate_series(1, 60000) n; grant select on api.flood to anon`);
  await listening({ 'pgrest.listeners': 1, 'pgrest.send_timeout': '1s' });
  await answers({ path });
  const active = async () => Number(await server.sql(`select count(*) from pg_stat_activity where backend_type = 'pgrest executor' and state = 'active'`));
  const slow = readOverSocket('/flood?limit=5000', 100_000);
  const never = readOverSocket('/flood', 0);
  await until('both to run', async () => (await active()) > 0);
  await until('the query of the one to end', async () => (await active()) === 0);
  await until('the whole answer of the other', () => slow.closed);
  assert.ok(slow.bytes > 5_000_000, `${slow.bytes} bytes`);
  never.socket.resume();
  await until('its end', () => never.closed);
  assert.ok(never.socket.bytesRead < 10_000_000, `${never.socket.bytesRead} bytes`);
});

test('with fewer open files than connections, fewer are taken, and the log says so', async () => {
  server.cluster('stop');
  server.configure({ 'pgrest.server_unix_socket': '', 'pgrest.server_host': '127.0.0.1' });
  const mark = server.log().length;
  execFileSync('prlimit', ['--nofile=400:400', join(ROOT, 'script', 'cluster'), 'start', server.dir], { stdio: 'ignore' });
  await until('a listener', () => /pgrest listens on/.test(linesSince(mark)));
  const [, lowered] = linesSince(mark).match(/pgrest\.max_connections is lowered to (\d+): the system allows no more open files/);
  const here = { host: '127.0.0.1', port: server.port };
  await answers(here);
  const inside = Array.from({ length: Number(lowered) }, () => new Connection(here));
  await until('503', async () => (await ask(here)) === 503);
  inside.forEach((connection) => connection.end());
  await answers(here);
  await server.restart({});
});

test('a mode that is none: every request is 503, and the log names the setting', async () => {
  for (const mode of ['777777', '599', '0660', 'rw']) {
    const mark = server.log().length;
    await server.restart({ 'pgrest.server_unix_socket': path, 'pgrest.server_unix_socket_mode': mode });
    await until('503', async () => (await ask({ path })) === 503);
    assert.match(linesSince(mark), /pgrest\.server_unix_socket_mode/);
  }
});
