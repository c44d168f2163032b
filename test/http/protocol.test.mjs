// HTTP itself: connections, framing, bytes that are no text, many clients at once.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { LETTERS, Server, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start();
});
after(() => server?.drop());

const get = (path, ...fields) => [`GET ${path} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');

test('an answer has the headers that every answer has', async () => {
  const answer = await server.get('/items?select=id&id=eq.1');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, [{ id: 1 }]);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(answer.headers.get('content-range'), '0-0/*');
  assert.equal(answer.headers.get('content-length'), String(answer.text.length));
  assert.match(answer.headers.get('server'), /^pgrest\//);
  assert.ok(answer.headers.get('date'));
});

test('one connection serves many requests', async () => {
  const connection = server.connect();
  for (let n = 1; n <= 20; n++) {
    connection.write(get(`/items?select=id&id=eq.${(n % 10) + 1}`));
    const answers = await connection.take(n);
    assert.deepEqual(JSON.parse(answers[n - 1].body), [{ id: (n % 10) + 1 }]);
  }
  assert.equal(connection.closed, false);
  connection.end();
});

test('a connection stays after errors', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  const send = (method, path, headers = {}) =>
    new Promise((resolve, reject) => {
      const request = http.request(server.url + path, { method, agent, headers }, (response) => {
        ports.add(response.socket.localPort);
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      });
      request.on('error', reject);
      request.end();
    });
  assert.equal(await send('GET', '/items'), 200);
  assert.equal(await send('GET', '/nothing'), 404);
  assert.equal(await send('GET', '/items?id=eq.x'), 400);
  assert.equal(await send('GET', '/items', { Authorization: 'Bearer rubbish' }), 401);
  assert.equal(await send('GET', '/items'), 200);
  assert.equal(ports.size, 1);
  agent.destroy();
});

// Its length is not known, and libmicrohttpd would send the end of a chunked body.
test('an answer to HEAD says that the connection ends', async () => {
  const connection = server.connect();
  connection.write('HEAD /items HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the end of the connection', () => connection.closed);
  assert.match(connection.received, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  assert.match(connection.received, /\r\nConnection: close\r\n/);
  assert.doesNotMatch(connection.received, /Content-Length|Transfer-Encoding/);
});

test('pipelined requests are answered in their order', async () => {
  const connection = server.connect();
  connection.write([1, 2, 3, 4, 5].map((n) => get(`/items?select=id&id=eq.${n}`)).join(''));
  const answers = await connection.take(5);
  assert.deepEqual(
    answers.map((answer) => JSON.parse(answer.body)[0].id),
    [1, 2, 3, 4, 5],
  );
  connection.end();
});

for (const status of [204, 304]) {
  test(`an answer of status ${status} has no body, whatever SQL makes, and nothing but the next answer follows it`, async () => {
    await server.sql(`create or replace function api.shaped() returns text stable language sql as
        $$ select 'body' from (select set_config('response.status', '${status}', true) offset 0) _ $$;
      create or replace view api.shaped_rows as select n, repeat('x', 1000) as filler, set_config('response.status', '${status}', true) from generate_series(1, 5000) n;
      grant select on api.shaped_rows to anon`);
    for (const path of ['/rpc/shaped', '/shaped_rows', '/shaped_rows?limit=1']) {
      const connection = server.connect();
      connection.write(get(path) + get('/items?select=next:id&id=eq.2', 'Connection: close'));
      await until('the end of the connection', () => connection.closed);
      const [first, rest] = connection.received.split(/(?<=\r\n\r\n)/);
      assert.match(first, new RegExp(`^HTTP/1\\.1 ${status} `), path);
      // without a length the connection may end
      if (rest === undefined) assert.match(first, /\r\nConnection: close\r\n/);
      else assert.match(rest, /^HTTP\/1\.1 200 /, path);
    }
  });
}

test('Connection: close is honoured', async () => {
  const connection = server.connect();
  connection.write(get('/items?id=eq.1', 'Connection: close'));
  await until('the end of the connection', () => connection.closed);
  assert.equal(connection.answers()[0].status, 200);
});

test('a body may come in chunks', async () => {
  const connection = server.connect();
  connection.write(
    'POST /rpc/value HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '9\r\n{"query":\r\n',
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  connection.write('C\r\n"select 42"}\r\n0\r\n\r\n');
  const [answer] = await connection.take();
  assert.equal(answer.status, 200);
  assert.equal(answer.body, '"42"');
  connection.end();
});

test('a large body arrives whole', async () => {
  const name = 'x'.repeat(3_000_000);
  const answer = await server.post('/items?select=id', { id: 100, name }, { headers: { Prefer: 'return=representation' } });
  assert.equal(answer.status, 201);
  assert.equal(await server.sql('select length(name) from api.items where id = 100'), '3000000');
  const back = await server.get('/items?id=eq.100');
  assert.equal(back.body[0].name, name);
  await server.sql('delete from api.items where id = 100');
});

for (const [what, request] of [
  ['two different lengths', 'POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\n{} '],
  ['a length and chunks', 'POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['an unknown coding', 'POST /items HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n'],
]) {
  test(`${what}: 400 and the connection ends`, async () => {
    const connection = server.connect();
    connection.write(request);
    await until('the end of the connection', () => connection.closed);
    assert.equal(connection.answers()[0]?.status, 400);
  });
}

test('invalid UTF-8 is refused, and nothing is stored', async () => {
  const bytes = Buffer.concat([Buffer.from('{"id": 200, "name": "a'), Buffer.from([0xff]), Buffer.from('"}')]);
  assert.equal((await server.post('/items', bytes)).status, 400);
  const raw = server.connect();
  raw.write(get('/items?name=eq.%FF'));
  raw.write(get('/items?name=eq.%C3%28'));
  const answers = await raw.take(2);
  assert.deepEqual(answers.map((answer) => answer.status), [400, 400]);
  raw.end();
  assert.equal((await server.post('/items?columns=id,name', bytes)).status, 400);
  assert.equal(await server.sql('select count(*) from api.items where id = 200'), '0');
});

test('a zero byte is refused', async () => {
  assert.equal((await server.post('/items', '{"id": 201, "name": "a\\u0000b"}')).status, 400);
  assert.equal((await server.get('/items%00x')).status, 404);
});

test('text of the world comes back as it went', async () => {
  const name = `${LETTERS} "quoted" \\ \t`;
  await server.post('/items', { id: 202, name });
  assert.equal((await server.get(`/items?name=eq.${encodeURIComponent(name)}`)).body[0].name, name);
  await server.sql('delete from api.items where id = 202');
});

test('100 clients at once, each with its own role and claims', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      server.post(
        '/rpc/value',
        { query: `select current_user || ' ' || (current_setting('request.jwt.claims')::json ->> 'n')` },
        { claims: { role: n % 2 ? 'anon' : 'clerk', n } },
      ),
    ),
  );
  answers.forEach((answer, n) => assert.equal(answer.body, `${n % 2 ? 'anon' : 'clerk'} ${n}`));
});

test('100 connections that stay open, 20 requests on each', async () => {
  const connections = Array.from({ length: 100 }, () => server.connect());
  await Promise.all(
    connections.map(async (connection, c) => {
      for (let n = 1; n <= 20; n++) {
        connection.write(get(`/items?select=id&id=eq.${((c + n) % 10) + 1}`));
        const answers = await connection.take(n);
        assert.deepEqual(JSON.parse(answers[n - 1].body), [{ id: ((c + n) % 10) + 1 }]);
      }
    }),
  );
  connections.forEach((connection) => connection.end());
});

test('half a request disturbs nobody', async () => {
  const slow = server.connect();
  slow.write('GET /items HTTP/1.1\r\nHost');
  assert.equal((await server.get('/items')).status, 200);
  slow.end();
  const gone = server.connect();
  gone.write('POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{');
  gone.end();
  assert.equal((await server.get('/items')).status, 200);
});

test('preflight and OPTIONS', async () => {
  const preflight = await server.send('OPTIONS', '/items', {
    headers: { Origin: 'http://a.example', 'Access-Control-Request-Method': 'POST' },
  });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
  const options = await server.send('OPTIONS', '/items');
  assert.equal(options.headers.get('allow'), 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE');
});

test('a long query string', async () => {
  const ids = Array.from({ length: 2000 }, (_, n) => n).join(',');
  const answer = await server.get(`/items?select=id&id=in.(${ids})`);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.length, 10);
});

test('a bad token never reaches the database', async () => {
  const answer = await server.get('/items', { headers: { Authorization: `Bearer ${token({ role: 'clerk' }, 'another secret')}` } });
  assert.equal(answer.status, 401);
  assert.equal(answer.body.code, 'PGRST301');
  assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
});
