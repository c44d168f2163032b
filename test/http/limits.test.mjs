// Every limit: what is just inside it is served, what is over it gets its documented answer, and the server goes on.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Connection, Server, sleep, until } from './server.mjs';

const MOST = 40; // connections
let server;
let listener; // its process
let descriptorsAtFirst;
const descriptors = () => readdirSync(`/proc/${listener}/fd`).length;
before(async () => {
  server = await Server.start({
    'pgrest.workers': 2,
    'pgrest.max_connections': MOST,
    'pgrest.body_memory': '16MB',
    'pgrest.queue_size': 8,
    'pgrest.db_pool_acquisition_timeout': 1,
    'pgrest.header_timeout': 1,
    'pgrest.body_timeout': 1,
    'pgrest.send_timeout': 1,
    jit: 'off',
  });
  await server.sql(`
    create table api.documents (id integer primary key, document jsonb);
    create table api.parents (id integer primary key);
    create table api.children (id integer primary key, parent integer references api.parents);
    create function api.sink(text) returns int language sql as $$ select length($1) $$;
    create function api.headed(n int) returns text stable language sql as
      $$ select 'body' from (select set_config('response.headers', format('[{"X-Long": "%s"}]', repeat('x', n)), true) offset 0) _ $$;
    create function api.status(text) returns text stable language sql as
      $$ select 'body' from (select set_config('response.status', $1, true) offset 0) _ $$;
    create view api.flood as select n, repeat('x', 1000) as filler from generate_series(1, 60000) n;
    grant all on all tables in schema api to anon`);
  listener = await server.sql(`select pid from pg_stat_activity where backend_type = 'pgrest listener'`);
  await serves();
  descriptorsAtFirst = descriptors();
});
after(() => server?.drop());

const repeat = (times, text) => Array.from({ length: times }, (_, n) => text(n));
const refusal = (answer) => [answer.status, answer.body.code];
const serves = async () => assert.equal((await server.get('/items?id=eq.1')).status, 200);
const request = (...fields) => ['GET /items?id=eq.1 HTTP/1.1', 'Host: x', ...fields, '', ''].join('\r\n');
const leave = (connections) => connections.forEach((connection) => connection.end());
const closed = (connection) => until('the end of the connection', () => connection.closed);
// Answers of ours have JSON, those of libmicrohttpd HTML.
const only = (connection) => {
  const answers = connection.answers();
  assert.equal(answers.length, 1, connection.received);
  return answers[0];
};
const code = (answer) => JSON.parse(answer.body).code;
const shown = (name) => server.sql(`show ${name}`);
const change = async (name, value) => {
  server.reload({ [name]: value });
  await until(`${name} = ${value}`, async () => (await shown(name)) === String(value));
};
// For one test, however it ends: what it leaves behind would fail others.
const setting = async (t, name, value) => {
  const before = await shown(name);
  t.after(() => change(name, before));
  await change(name, value);
};

// --- the head ------------------------------------------------------------------------------------------------

test('a target up to 50 kB is taken, a longer one is 414', async () => {
  const target = (size) => `/items?id=eq.1&id=in.(${'1'.repeat(9)}${',1'.repeat(25600)}`.slice(0, size - 1) + ')';
  for (const [size, status] of [[51200, 200], [51201, 414]]) {
    const connection = server.connect();
    connection.write(`GET ${target(size)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [answer] = await connection.take();
    assert.equal(answer.status, status);
    if (status === 414) {
      assert.equal(code(answer), 'PGRST414');
      await closed(connection);
    }
    connection.end();
  }
});

test('1200 UUIDs in an in list are taken, also percent-encoded with their commas', async () => {
  await server.sql('create table api.tokens (id uuid primary key); grant all on api.tokens to anon');
  const ids = repeat(1200, (n) => `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`);
  assert.equal((await server.post('/tokens', ids.map((id) => ({ id })))).status, 201);
  for (const comma of [',', '%2C']) {
    const answer = await server.get(`/tokens?id=in.(${ids.join(comma)})`);
    assert.deepEqual([answer.status, answer.body.length], [200, 1200], answer.text.slice(0, 200));
  }
});

test('a head up to 64 kB is taken, a larger one is 431', async () => {
  for (const [size, status] of [[65000, 200], [66000, 431]]) {
    const connection = server.connect();
    connection.write(request(...repeat(10, (n) => `X-${n}: ${'x'.repeat(size / 10 - 7)}`)));
    const [answer] = await connection.take();
    assert.equal(answer.status, status);
    if (status === 431) {
      assert.equal(code(answer), 'PGRST431');
      await closed(connection);
    }
    connection.end();
  }
});

test('a method counts as part of the head', async () => {
  for (const [size, status] of [[65000, 405], [66000, 431]]) {
    const connection = server.connect();
    connection.write(`${'A'.repeat(size)} /items HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal((await connection.take())[0]?.status, status);
    connection.end();
  }
});

test('many small headers count with what they cost', async () => {
  const connection = server.connect();
  connection.write(request(...repeat(1000, (n) => `a${n}: b`)));
  assert.equal((await connection.take())[0].status, 200);
  connection.write(request(...repeat(1200, (n) => `a${n}: b`)));
  assert.equal((await connection.take(2))[1].status, 431);
  connection.end();
});

for (const [what, bytes, statuses] of [
  ['a target', `GET /${'x'.repeat(100_000)}`, [414]],
  ['a header', `GET /items HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(100_000)}`, [431]],
  ['headers without end', `GET /items HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(20_000)}`, [431]],
]) {
  test(`${what} larger than the memory of a connection is refused by libmicrohttpd`, async () => {
    const connection = server.connect();
    connection.write(bytes);
    await closed(connection);
    const answer = only(connection);
    assert.ok(statuses.includes(answer.status), connection.received);
    assert.match(answer.body, /Your HTTP header was too big for the memory constraints of this webserver\./);
    await serves();
  });
}

test('a head of any size has an answer', async () => {
  const sizes = [...repeat(40, (n) => 45_000 + n * 1000), ...repeat(150, (n) => 85_000 + n * 100)];
  for (const of of [(n) => ['A', '/', n], (n) => ['GET', `/${'x'.repeat(n)}`], (n) => ['GET', '/', n], (n) => ['GET', '/', n, 'Origin']]) {
    for (let from = 0; from < sizes.length; from += 20) {
      await Promise.all(sizes.slice(from, from + 20).map(async (n) => {
        const [method, target, length = 0, name = 'A'] = of(n);
        const connection = server.connect();
        connection.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\n${name}: ${'x'.repeat(length)}\r\n\r\n`);
        const [answer] = await connection.take();
        assert.ok(answer?.status >= 200 && answer.status < 500, `${n}: ${connection.received}`);
        connection.end();
      }));
    }
  }
});

// --- the head of an answer -----------------------------------------------------------------------------------

async function answerTo(target, ...fields) {
  const connection = server.connect();
  connection.write(['GET ' + target + ' HTTP/1.1', 'Host: x', ...fields, '', ''].join('\r\n'));
  const [answer] = await connection.take();
  connection.end();
  return answer;
}
const logged = (text, times) => until('the log', () => server.log().split(text).length === times + 1);

test('headers of an answer may take what the head of the request leaves', async () => {
  const large = `A: ${'x'.repeat(20_000)}`;
  for (const [n, status, ...fields] of [[88_000, 200], [95_000, 500], [68_000, 200, large], [76_000, 500, large], [105_000, 500]]) {
    const answer = await answerTo(`/rpc/headed?n=${n}`, ...fields);
    assert.equal(answer?.status, status, `${n}`);
    if (status === 200) assert.equal(answer.headers['x-long'].length, n);
    else assert.deepEqual([code(answer), answer.headers['proxy-status'], 'server' in answer.headers, answer.headers['x-long']], ['PGRST111', 'pgrest; error=PGRST111', true, undefined]);
  }
  await logged('pgrest: GET /rpc/headed answered with 500: {"code":"PGRST111"', 3);
});

test('a status that no answer can have is 500', async () => {
  for (const status of [200, 299, 418, 599, 999]) {
    assert.equal((await server.post('/rpc/status', String(status), { headers: { 'Content-Type': 'text/plain' } })).status, status);
  }
  for (const status of [1, 100, 101, 199, 1000, 99999]) {
    const answer = await server.post('/rpc/status', String(status), { headers: { 'Content-Type': 'text/plain' } });
    assert.deepEqual(refusal(answer), [500, 'PGRST112'], String(status));
  }
  await logged('pgrest: POST /rpc/status answered with 500: {"code":"PGRST112"', 6);
});

// --- the body ------------------------------------------------------------------------------------------------

const sink = (...fields) => ['POST /rpc/sink HTTP/1.1', 'Host: x', 'Content-Type: text/plain', ...fields, '', ''].join('\r\n');
const chunk = (size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;

// Until there is an answer, 100 MB at most.
async function keepSending(connection, part) {
  for (let n = 0; n < 1600 && connection.answers().length === 0 && !connection.closed; n++) {
    await new Promise((resolve) => connection.socket.write(part, 'latin1', resolve));
    await sleep(0);
  }
}

test('a body up to max_body_size is taken, a larger one is 413', async (t) => {
  await setting(t, 'pgrest.max_body_size', '64kB');
  for (const [size, status] of [[65536, 200], [65537, 413]]) {
    for (const bytes of [sink(`Content-Length: ${size}`) + 'x'.repeat(size), sink('Transfer-Encoding: chunked') + chunk(60_000) + chunk(size - 60_000) + '0\r\n\r\n']) {
      const connection = server.connect();
      connection.write(bytes);
      const [answer] = await connection.take();
      assert.equal(answer.status, status);
      if (status === 413) assert.equal(code(answer), 'PGRST413');
      connection.end();
    }
  }
});

test('a body that is announced too large is 413 before it is sent', async (t) => {
  await setting(t, 'pgrest.max_body_size', '64kB');
  await setting(t, 'pgrest.body_timeout', '50s');
  for (const fields of [
    ['Content-Length: 65537', 'Expect: 100-continue'],
    ['Content-Length: 8388609'],
    ['Content-Length: 9223372036854775808'],
    ['Content-Length: 18446744073709551615'],
  ]) {
    const connection = server.connect();
    connection.write(sink(...fields));
    await closed(connection);
    assert.deepEqual([only(connection).status, code(only(connection))], [413, 'PGRST413']);
  }
});

test('an answer to HEAD has no body, also one that is given in the middle of a request', async (t) => {
  await setting(t, 'pgrest.max_body_size', '64kB');
  for (const fields of ['Content-Length: 99999999\r\n\r\n', `Transfer-Encoding: chunked\r\n\r\n${chunk(70_000)}`]) {
    const connection = server.connect();
    connection.write(`HEAD /items HTTP/1.1\r\nHost: x\r\n${fields}`);
    await until('the answer', () => connection.received.includes('\r\n\r\n'));
    await closed(connection);
    assert.match(connection.received, /^HTTP\/1\.1 413 [^]*PGRST413[^]*\r\n\r\n$/);
    assert.ok(!connection.received.includes('{'), connection.received);
  }
});

test('a refused body that goes on and on is answered all the same', async () => {
  const connection = server.connect();
  connection.write(sink('Authorization: Bearer x', 'Transfer-Encoding: chunked'));
  await keepSending(connection, chunk(65536));
  const [answer] = await connection.take();
  assert.deepEqual([answer?.status, answer?.headers.connection], [401, 'close']);
  connection.end();
});

test('a length of no bounds, of which no memory is left, is answered before its end', async (t) => {
  await setting(t, 'pgrest.max_body_size', '-1');
  const connection = server.connect();
  connection.write(sink('Content-Length: 18446744073709551615'));
  await keepSending(connection, 'x'.repeat(65536));
  const [answer] = await connection.take();
  assert.deepEqual([answer?.status, answer && code(answer), answer?.headers.connection], [503, '53200', 'close']);
  connection.end();
  await serves();
});

// --- slow clients --------------------------------------------------------------------------------------------

const head = (...fields) => ['POST /documents HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...fields, '', ''].join('\r\n');

describe('slow clients, all at once', { concurrency: true }, () => {
  test('a connection without a request is closed without a word', async () => {
    const connection = server.connect();
    await closed(connection);
    assert.equal(connection.received, '');
  });

  test('half a request line that goes on for ever is closed without a word', async () => {
    const connection = server.connect();
    connection.write('GET /');
    const drip = setInterval(() => connection.write('x'), 100).unref();
    await closed(connection);
    clearInterval(drip);
    assert.equal(connection.received, '');
  });

  for (const [what, first] of [['the first', false], ['the second', true]]) {
    test(`headers that go on for ever are answered with 408: ${what} request of a connection`, async () => {
      const connection = server.connect();
      if (first) {
        connection.write(request());
        await connection.take(1);
      }
      connection.write('GET /items HTTP/1.1\r\nHost: x\r\n');
      const drip = setInterval(() => connection.write('A: b\r\n'), 100).unref();
      await closed(connection);
      clearInterval(drip);
      const answer = connection.answers().at(-1);
      assert.equal(answer.status, 408, connection.received);
      assert.equal(code(answer), 'PGRST408');
      assert.equal(answer.headers.connection, 'close');
      assert.match(answer.headers.date, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    });
  }

  for (const [what, fields, drop] of [
    ['with a length', ['Content-Length: 1000000'], 'x'],
    ['in chunks', ['Transfer-Encoding: chunked'], '1\r\nx\r\n'],
  ]) {
    test(`a body that trickles is answered with 408: ${what}`, async () => {
      const connection = server.connect();
      connection.write(head(...fields));
      const drip = setInterval(() => connection.write(drop), 100).unref();
      await closed(connection);
      clearInterval(drip);
      assert.equal(only(connection).status, 408);
      assert.equal(code(only(connection)), 'PGRST408');
    });
  }

  test('the rest of a body that is refused gets no more time', async () => {
    const connection = server.connect();
    connection.write(head('Authorization: Bearer x', 'Content-Length: 1000'));
    const drip = setInterval(() => connection.write('x'), 100).unref();
    await closed(connection);
    clearInterval(drip);
    assert.equal(only(connection).status, 401);
  });

  test('a body that comes slowly and steadily is taken', async () => {
    const body = JSON.stringify({ id: 2, document: 'x'.repeat(150_000) });
    const connection = server.connect();
    connection.write(head(`Content-Length: ${body.length}`));
    for (let at = 0; at < body.length; at += 12_000) {
      connection.write(body.slice(at, at + 12_000));
      await sleep(200);
    }
    assert.equal((await connection.take())[0].status, 201);
    connection.end();
  });
});

test('a connection that is idle between requests is closed without a word', async (t) => {
  const connection = server.connect();
  connection.write(request());
  await connection.take(1);
  const { received } = connection;
  await setting(t, 'pgrest.keepalive_timeout', '1s'); // a reload acts on those that wait already
  const drip = setInterval(() => connection.write('\r\n'), 100).unref(); // no beginning of a request
  await closed(connection);
  clearInterval(drip);
  assert.equal(connection.received, received);
});

test('a body that stops is answered with 408, and its memory is given back', async () => {
  const large = 'x'.repeat(10 * 1024 * 1024);
  const connection = server.connect();
  connection.write(head(`Content-Length: ${large.length + 100}`));
  connection.write(large);
  await closed(connection);
  assert.equal(only(connection).status, 408);
  // of the 16 MB, uploads get 12
  assert.equal((await server.post('/documents', { id: 1, document: large })).status, 201);
  assert.equal((await server.send('DELETE', '/documents')).status, 204);
});

test('the more of a body has come, the more has to come', async () => {
  const connection = server.connect();
  connection.write(head('Content-Length: 12000000'));
  connection.write('x'.repeat(10 * 1024 * 1024));
  const drip = setInterval(() => connection.write('x'.repeat(4096)), 100).unref(); // enough for 16 kB a second
  await closed(connection);
  clearInterval(drip);
  assert.equal(only(connection).status, 408);
});

// Reads `size` bytes of an answer each `pause` milliseconds until it ends, or its connection does, or stop() is called.
function readSlowly(path, size, pause) {
  const reading = {};
  reading.end = new Promise((resolve) => {
    const socket = net.connect({ port: server.port, host: '127.0.0.1', highWaterMark: 64 * 1024 });
    let bytes = 0;
    let tail = '';
    const done = () => {
      clearInterval(timer);
      socket.destroy();
      resolve({ bytes, complete: tail.endsWith(']\r\n0\r\n\r\n') });
    };
    reading.stop = done;
    const timer = setInterval(() => {
      for (let rest = size; rest > 0; ) {
        const data = socket.read(Math.min(rest, socket.readableLength || 1));
        if (!data) return;
        rest -= data.length;
        bytes += data.length;
        tail = (tail + data.toString('latin1')).slice(-20);
      }
    }, pause);
    socket.on('readable', () => {}); // paused mode
    socket.on('end', done);
    socket.on('error', done);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  });
  return reading;
}
const active = async (text) => Number(await server.sql(`select count(*) from pg_stat_activity where backend_type like 'pgrest%' and state = 'active' and query like '%${text}%'`));

test('a client that reads an answer drop by drop is given up, and its query ends', async () => {
  const reading = readSlowly('/flood', 100, 100);
  await until('the query to run', async () => (await active('flood')) === 1);
  await until('the query to end', async () => (await active('flood')) === 0, 20000);
  reading.stop();
  assert.equal((await reading.end).complete, false);
  await serves();
});

test('a client that reads slowly and steadily gets everything', async () => {
  const { bytes, complete } = await readSlowly('/flood?limit=10000', 100_000, 20).end;
  assert.ok(complete, `${bytes} bytes`);
  assert.ok(bytes > 10_000_000);
});

test('while an executor has nothing to send, its client is not slow', async () => {
  await server.sql(`create view api.pauses as
    select n, repeat('x', 1000) as filler, case when n % 2000 = 0 then pg_sleep(2) is null end as pause from generate_series(1, 5000) n;
    grant select on api.pauses to anon`);
  const { bytes, complete } = await readSlowly('/pauses', 1_000_000, 10).end;
  assert.ok(complete, `${bytes} bytes`);
  assert.ok(bytes > 5_000_000);
});

test('clients that ask and never read are given up', async () => {
  const before = descriptors();
  const connections = repeat(10, () => {
    const connection = server.connect();
    connection.socket.pause();
    connection.write('GET /flood?limit=200 HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100));
    return connection;
  });
  await until('their connections', () => descriptors() >= before + 10);
  await serves();
  await until('their end', () => descriptors() <= before, 20000);
  leave(connections);
});

// --- connections ---------------------------------------------------------------------------------------------

const open = (where = {}) => new Connection({ port: server.port, host: '127.0.0.1', ...where });

// Connections that are served. Those of earlier tests may not have left yet, so it may take a while.
async function fill(count, where) {
  let connections;
  await until(`${count} connections`, async () => {
    connections = repeat(count, () => open(where));
    connections.forEach((connection) => connection.write(request()));
    const answers = await Promise.all(connections.map((connection) => connection.take()));
    if (answers.every(([answer]) => answer?.status === 200)) return true;
    leave(connections);
    return false;
  });
  return connections;
}
async function assertRefused(connection, message) {
  await closed(connection);
  const answer = only(connection);
  assert.deepEqual([answer.status, code(answer), answer.headers.connection], [503, 'PGRST503', 'close']);
  assert.equal(JSON.parse(answer.body).message, message);
  assert.ok(answer.headers['retry-after']);
  assert.match(answer.headers.server, /^pgrest\//);
}

test('connections over max_connections are answered with 503 at once, however many', async () => {
  const inside = await fill(MOST);
  const further = repeat(400, open);
  further.slice(0, 100).forEach((connection) => connection.write(request()));
  await Promise.all(further.map((connection) => assertRefused(connection, 'There are too many connections')));
  inside[0].write(request());
  assert.equal((await inside[0].take(2))[1].status, 200);
  leave(inside);
  leave(await fill(MOST));
  const lines = server.log().split('\n').filter((line) => line.includes('PGRST503'));
  assert.ok(lines.length >= 1 && lines.length < 20, `${lines.length} lines`);
  assert.match(lines[0], /pgrest: a connection answered with 503: /);
});

test('connections over max_connections_per_address are answered with 503, those of others are served', async (t) => {
  await setting(t, 'pgrest.max_connections_per_address', 5);
  const here = { localAddress: '127.0.0.2' };
  const inside = await fill(5, here);
  await until('the limit', async () => {
    const connection = open(here);
    connection.write(request());
    const [{ status }] = await connection.take();
    connection.end();
    return status === 503;
  });
  await Promise.all(repeat(20, () => open(here)).map((connection) => assertRefused(connection, 'There are too many connections from this address')));
  const others = await fill(5, { localAddress: '127.0.0.3' });
  leave(inside.splice(0, 1));
  leave([...inside, ...others, ...(await fill(1, here))]);
  await change('pgrest.max_connections_per_address', 0);
  leave(await fill(10, here));
});

test('without descriptors connections wait, those that are there are served, and the listener rests', async () => {
  const ticks = () => {
    const fields = readFileSync(`/proc/${listener}/stat`, 'utf8').split(' ');
    return Number(fields[13]) + Number(fields[14]);
  };
  const inside = open();
  inside.write(request());
  await inside.take();
  const [, soft] = readFileSync(`/proc/${listener}/limits`, 'utf8').match(/Max open files +(\d+)/);
  const owner = process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];
  const allow = (most) => {
    const [command, ...words] = [...owner, 'prlimit', '--pid', listener, `--nofile=${most}:`];
    execFileSync(command, words);
  };
  const taken = new Set(readdirSync(`/proc/${listener}/fd`).map(Number));
  let lowest = 0;
  while (taken.has(lowest)) lowest++;
  allow(lowest);
  const outside = open();
  outside.write(request());
  const before = ticks();
  await sleep(1000);
  assert.equal(outside.received, '');
  assert.ok(ticks() - before < 50, `${ticks() - before} ticks`);
  inside.write(request());
  assert.equal((await inside.take(2))[1].status, 200);
  allow(soft);
  assert.equal((await outside.take())[0].status, 200);
  leave([inside, outside]);
});

// --- queue and memory ----------------------------------------------------------------------------------------

test('more requests than the queue takes are answered with 504 in their time, and nothing stays behind', async () => {
  const busy = repeat(2, () => server.post('/rpc/sleep', { seconds: 2.5 }));
  await until('both executors to be busy', async () => (await active('sleep')) === 2);
  const waiting = await Promise.all(repeat(25, () => server.get('/items?id=eq.1')));
  for (const answer of waiting) assert.deepEqual(refusal(answer), [504, 'PGRST003']);
  for (const answer of await Promise.all(busy)) assert.equal(answer.body, 'slept');
  const after = await Promise.all(repeat(25, () => server.get('/items?id=eq.1')));
  for (const answer of after) assert.equal(answer.status, 200);
});

// Sends a body in pieces and gets the status, also when the answer comes before the end of the body.
function upload(size) {
  return new Promise((resolve) => {
    let status = 'reset';
    const sent = http.request(server.url + '/rpc/sink', { method: 'POST', agent: false, headers: { 'Content-Type': 'text/plain', 'Content-Length': size } }, (response) => {
      status = response.headers['retry-after'] === undefined ? response.statusCode : `${response.statusCode} with Retry-After`;
      response.resume();
      response.on('end', () => resolve(status));
    });
    sent.on('error', () => resolve(status));
    sent.end(Buffer.alloc(size, 'x'));
  });
}

test('many large uploads at once: each has a clear answer, and the memory is given back', async (t) => {
  await setting(t, 'pgrest.body_timeout', '30s');
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(repeat(20, () => upload(3_000_000)));
    assert.ok(answers.includes(200), answers.join());
    for (const answer of answers) assert.ok([200, '503 with Retry-After'].includes(answer), answers.join());
    assert.equal(await upload(11_000_000), 200);
  }
  // while uploads hold all that they may hold, answers have the rest
  const held = [];
  const hold = () => {
    held.push(server.connect());
    held.at(-1).write(head('Content-Length: 5000000') + 'x'.repeat(2_900_000));
  };
  await until('the memory to be used up', () => {
    hold();
    return held.some((connection) => connection.received.includes('"53200"')); // one had to give way
  }, 30000);
  const answer = await server.get('/flood?select=n,filler&limit=1500');
  assert.equal(answer.status, 200);
  assert.equal(answer.body.length, 1500);
  leave(held);
  await until('the memory to be given back', async () => (await upload(11_000_000)) === 200);
});

// --- errors --------------------------------------------------------------------------------------------------

test('texts of errors are at most 2 kB, whatever they repeat', async () => {
  await server.sql(`create function api.loud(n int) returns int language plpgsql as $$
    begin raise 'é%', repeat('é', n) using detail = repeat('é', n), hint = repeat('é', n); end $$`);
  const long = 'é'.repeat(500_000);
  const keys = `{${repeat(200_000, (n) => `"a_name_of_an_argument_${n}": 1`).join()}}`;
  const inHead = 'x'.repeat(30_000);
  for (const [what, ask, expected, cut] of [
    ['names of arguments', () => server.post('/rpc/nothing', keys), [404, 'PGRST202'], ['message', 'details']],
    ['names of arguments of a function', () => server.post('/rpc/sink', keys), [404, 'PGRST202'], ['message', 'details']],
    ['a column', () => server.post('/items', { [long]: 1 }), [400, 'PGRST204'], ['message']],
    ['a value', () => server.post('/items', { id: long }), [400, '22P02'], ['message']],
    ['a table', () => server.get(`/${inHead}`), [404, 'PGRST205'], ['message']],
    ['a column that is read', () => server.get(`/items?select=${inHead}`), [400, '42703'], ['message']],
    ['a filter', () => server.get(`/items?id=eq.${inHead}`), [400, '22P02'], ['message']],
    ['a schema', () => server.get('/items', { headers: { 'Accept-Profile': inHead } }), [406, 'PGRST106'], ['message']],
    ['preferences', () => server.get('/items', { headers: { Prefer: `handling=strict, ${inHead}` } }), [400, 'PGRST122'], ['details']],
    ['media types', () => server.get('/items', { headers: { Accept: `a/${inHead}` } }), [406, 'PGRST107'], ['message']],
    ['a token', () => server.get('/items', { headers: { Authorization: `Bearer ${inHead}` } }), [401, 'PGRST301'], []],
    ['what a function raises', () => server.post('/rpc/loud', { n: 500_000 }), [400, 'P0001'], ['message', 'details', 'hint']],
  ]) {
    const { status, body, text } = await ask();
    assert.deepEqual([status, body.code], expected, `${what}: ${text.slice(0, 300)}`);
    for (const name of ['message', 'details', 'hint']) assert.ok(Buffer.byteLength(body[name] ?? '') <= 2048, `${what}: ${name}`);
    for (const name of cut) {
      assert.ok(Buffer.byteLength(body[name]) > 2040 && body[name].endsWith('...'), `${what}: ${name}: ${body[name]}`);
      assert.ok(!body[name].includes('\ufffd'), `${what}: ${name}`);
    }
  }
});

// --- depth and number ----------------------------------------------------------------------------------------

const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
const insert = (document, query = '') => server.post(`/documents${query}`, `{"id": ${Math.floor(Math.random() * 1e9)}, "document": ${document}}`);

test('a JSON body may be 512 levels deep', async () => {
  assert.equal((await insert(nested(511))).status, 201);
  for (const depth of [512, 5000, 1_000_000]) {
    const answer = await insert(nested(depth));
    assert.deepEqual(refusal(answer), [400, 'PGRST102']);
    assert.match(answer.body.message, /nested deeper than 512 levels/);
  }
  assert.equal((await insert(JSON.stringify('['.repeat(1000)))).status, 201);
});

test('what only PostgreSQL reads ends at its own limit, without a crash', async () => {
  const started = await server.sql('select pg_postmaster_start_time()');
  for (const answer of [
    await insert(nested(1_000_000), '?columns=id,document'),
    await server.get(`/documents?document=cs.${nested(15_000)}`),
    await server.post('/rpc/value', { query: `select ('${nested(100_000)}'::json)::text` }),
  ])
    assert.deepEqual(refusal(answer), [500, '54001']);
  await server.sql('create function api.again(n int) returns int language plpgsql as $$ begin return api.again(n + 1); end $$');
  assert.deepEqual(refusal(await server.get('/rpc/again?n=1')), [500, '54001']);
  await serves();
  assert.equal(await server.sql('select pg_postmaster_start_time()'), started);
  assert.ok(!/terminated by signal/.test(server.log()));
});

test('a tree of filters may be 64 brackets deep', async () => {
  const tree = (depth) => `/items?select=id&or=(id.eq.1${',and(id.gt.0'.repeat(depth)}${')'.repeat(depth)})`;
  assert.equal((await server.get(tree(64))).status, 200);
  assert.deepEqual(refusal(await server.get(tree(65))), [400, 'PGRST100']);
  assert.deepEqual(refusal(await server.get(`/items?or=${'(and'.repeat(5000)}`)), [400, 'PGRST100']);
  assert.deepEqual(refusal(await server.get(`/items?or=(${'not.and('.repeat(3000)}`)), [400, 'PGRST100']);
});

test('embeds may be 64 inside each other', async () => {
  const embeds = (depth) => `/parents?select=${'children(parents('.repeat(depth / 2)}id${'))'.repeat(depth / 2)}`;
  assert.equal((await server.get(embeds(64))).status, 200);
  assert.deepEqual(refusal(await server.get(embeds(66))), [400, 'PGRST100']);
  assert.deepEqual(refusal(await server.get(`/parents?select=${'a('.repeat(15_000)}`)), [400, 'PGRST100']);
});

test('a request may have max_embeds embeds', async (t) => {
  const embeds = (count) => `/parents?select=id,${repeat(count, (n) => `c${n}:children(id)`).join()}`;
  assert.equal((await server.get(embeds(100))).status, 200);
  const answer = await server.get(embeds(101));
  assert.deepEqual(refusal(answer), [400, 'PGRST100']);
  assert.match(answer.body.message, /more than 100 embedded resources/);
  await setting(t, 'pgrest.max_embeds', 2);
  await until('the limit', async () => (await server.get(embeds(3))).status === 400);
  assert.equal((await server.get(embeds(2))).status, 200);
  assert.equal((await server.get('/parents?select=children(parents(children(id)))')).status, 400);
});

test('a request may have max_filters filters, in trees and outside', async (t) => {
  const filters = (count) => repeat(count, () => 'id=gt.0').join('&');
  const tree = (count) => `or=(${repeat(count, () => 'id.gt.0').join()})`;
  assert.equal((await server.get(`/items?${filters(1000)}&${tree(1000)}`)).status, 200);
  await setting(t, 'pgrest.max_filters', 4);
  await until('the limit', async () => (await server.get(`/items?${filters(5)}`)).status === 400);
  const answer = await server.get(`/items?${filters(2)}&${tree(3)}`);
  assert.deepEqual(refusal(answer), [400, 'PGRST100']);
  assert.match(answer.body.message, /more than 4 filters/);
  assert.equal((await server.get(`/items?${filters(2)}&${tree(2)}&order=id&limit=3`)).status, 200);
});

test('a query may have 10000 parameters', async () => {
  const parameters = (count) => `/items?${'x&'.repeat(count - 1)}x`;
  assert.notEqual((await server.get(parameters(10_000))).body.message, (await server.get(parameters(10_001))).body.message);
  assert.deepEqual(refusal(await server.get(parameters(10_001))), [400, 'PGRST100']);
});

test('a JSON path may have 100 steps', async () => {
  const path = (steps) => `/documents?select=document${'->a'.repeat(steps)}&limit=1`;
  assert.equal((await server.get(path(100))).status, 200);
  assert.deepEqual(refusal(await server.get(path(101))), [400, 'PGRST100']);
});

test('after all that no descriptor is left behind', async () => {
  await serves();
  await until('every connection to have ended', () => descriptors() <= descriptorsAtFirst);
  assert.ok(!/PANIC|terminated by signal/.test(server.log()));
});
