// Behind nginx, with the very configuration that docs/operations.md shows: TLS in front, connections to pgrest that are
// kept, over TCP and over a unix socket.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { freePort, ROOT, Server, token, until } from './server.mjs';

const ROWS = 30000; // of a little more than 1000 bytes each
let server;
let proxy; // { dir, port, stop }
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.server_unix_socket_mode': '666' });
  chmodSync(server.dir, 0o755);
  mkdirSync(join(server.dir, 'sockets'));
  chmodSync(join(server.dir, 'sockets'), 0o777);
  await server.sql(`
    create view api.flood as select n, repeat('x', 1000) as filler from generate_series(1, ${ROWS}) n;
    create function api.sink(text) returns int language sql as $$ select length($1) $$;
    grant select on api.flood to anon`);
  proxy = await startProxy(`127.0.0.1:${server.port}`);
});
after(async () => {
  await proxy?.stop();
  server?.drop();
});

// --- nginx ---------------------------------------------------------------------------------------------------

const documented = () => {
  const [, section] = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8').split('## Behind nginx\n');
  return section.match(/```nginx\n([^]*?)```/)[1];
};

// The documented configuration with the places of this test.
function configuration(dir, port, upstream) {
  let text = documented();
  for (const [there, here] of [
    ['server 127.0.0.1:3000;', `server ${upstream};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
    ['/etc/ssl/certs/api.example.com.pem', `${dir}/certificate`],
    ['/etc/ssl/private/api.example.com.key', `${dir}/key`],
  ]) {
    assert.ok(text.includes(there), there);
    text = text.replace(there, here);
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/${name};`).join('\n');
  const user = process.getuid() === 0 ? 'user root;' : '';
  return `${user} daemon off; pid ${dir}/pid; error_log ${dir}/log; worker_processes 1;
    events {} http { access_log off; ${temporary}\n${text} }`;
}

async function startProxy(upstream) {
  const dir = mkdtempSync(join(tmpdir(), 'pgrest-nginx-'));
  const port = await freePort();
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=api.example.com', '-keyout', join(dir, 'key'), '-out', join(dir, 'certificate')], { stdio: 'ignore' });
  writeFileSync(join(dir, 'conf'), configuration(dir, port, upstream));
  const child = spawn('nginx', ['-p', dir, '-c', join(dir, 'conf'), '-e', join(dir, 'log')], { stdio: 'inherit' });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  return {
    dir,
    port,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true });
    },
  };
}

// --- clients -------------------------------------------------------------------------------------------------

// onData gets the bytes so far and the request.
function ask(method, path, { headers = {}, body, claims, agent = false, onData } = {}) {
  return new Promise((resolve, reject) => {
    const all = { ...(claims && { Authorization: `Bearer ${token(claims)}` }), ...(body && { 'Content-Type': 'application/json' }), ...headers };
    const request = https.request({ host: '127.0.0.1', port: proxy.port, servername: 'api.example.com', ca: readFileSync(join(proxy.dir, 'certificate')), method, path, headers: all, agent }, (response) => {
      const parts = [];
      let bytes = 0;
      response.on('data', (data) => {
        parts.push(data);
        bytes += data.length;
        onData?.(bytes, request);
      });
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== '';
        resolve({ status: response.statusCode, headers: response.headers, text, body: isJson ? JSON.parse(text) : text });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}
const get = (path, options) => ask('GET', path, options);

function rawSocket() {
  const raw = { received: '', closed: false, socket: tls.connect({ host: '127.0.0.1', port: proxy.port, rejectUnauthorized: false }) };
  raw.socket.setEncoding('latin1');
  raw.socket.on('data', (data) => (raw.received += data));
  raw.socket.on('close', () => (raw.closed = true));
  raw.socket.on('error', () => (raw.closed = true));
  return raw;
}

const active = async (text) => Number(await server.sql(`select count(*) from pg_stat_activity where backend_type = 'pgrest executor' and state = 'active' and query like '%${text}%'`));
const descriptors = async () => {
  const pid = await server.sql(`select pid from pg_stat_activity where backend_type = 'pgrest listener'`);
  return readdirSync(`/proc/${pid}/fd`).length;
};

// --- both ways -----------------------------------------------------------------------------------------------

const smuggled = 'GET /items?select=smuggled:id&id=eq.7 HTTP/1.1\r\nHost: x\r\n\r\n';
const post = (fields, body) => ['POST /rpc/whoami HTTP/1.1', 'Host: x', ...fields, '', body].join('\r\n');

for (const way of ['tcp', 'unix']) {
  test(`${way}: nginx finds pgrest`, async () => {
    if (way === 'unix') {
      const path = join(server.dir, 'sockets', 'pgrest');
      await server.restart({ 'pgrest.server_unix_socket': path });
      await proxy.stop();
      proxy = await startProxy(`unix:${path}`);
    }
    await until('an answer', async () => (await get('/items?id=eq.1').catch(() => ({}))).status === 200, 20000);
  });

  test(`${way}: requests of every kind`, async () => {
    const read = await get('/items?select=id&id=eq.1');
    assert.deepEqual([read.status, read.body, read.headers['content-range']], [200, [{ id: 1 }], '0-0/*']);
    const written = await ask('POST', '/items', { body: { id: 50, name: 'Grüße, 世界' }, headers: { Prefer: 'return=representation' } });
    assert.deepEqual([written.status, written.body], [201, [{ id: 50, name: 'Grüße, 世界' }]]);
    assert.equal((await ask('PATCH', '/items?id=eq.50', { body: { name: 'x' } })).status, 204);
    assert.equal((await ask('DELETE', '/items?id=eq.50')).status, 204);
    assert.equal((await ask('HEAD', '/items')).status, 200);
    assert.equal((await ask('OPTIONS', '/items')).headers.allow, 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE');
    const error = await get('/nothing');
    assert.deepEqual([error.status, error.body.code], [404, 'PGRST205']);
    assert.equal((await get('/rpc/whoami', { claims: { role: 'clerk' } })).body, 'clerk');
    assert.equal((await get('/items', { headers: { Authorization: 'Bearer x' } })).status, 401);
  });

  test(`${way}: encoded slashes and dots arrive as they were sent`, async () => {
    assert.equal((await get('/rpc%2Fwhoami')).status, 404);
    assert.equal((await get('/rpc/%2e%2e/items')).status, 404);
    assert.equal((await get(`/items?name=eq.${encodeURIComponent('a/b+c d')}`)).status, 200);
  });

  test(`${way}: long queries`, async () => {
    const ids = Array.from({ length: 12500 }, (_, n) => n % 1000).join(',');
    const answer = await get(`/items?select=id&id=in.(${ids})`);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 10);
  });

  test(`${way}: connections to pgrest are kept`, async () => {
    const before = await descriptors();
    const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
    await Promise.all(Array.from({ length: 200 }, () => get('/items?id=eq.1', { agent })));
    agent.destroy();
    assert.ok((await descriptors()) <= before + 4);
  });

  test(`${way}: clients at once do not meet each other`, async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        ask('POST', '/rpc/value', {
          body: { query: `select current_user || ' ' || (current_setting('request.jwt.claims')::json ->> 'n')` },
          claims: { role: n % 2 ? 'anon' : 'clerk', n },
        })));
    answers.forEach((answer, n) => assert.equal(answer.body, `${n % 2 ? 'anon' : 'clerk'} ${n}`));
  });

  test(`${way}: a streamed answer arrives whole`, async () => {
    const answer = await get('/flood?order=n');
    assert.equal(answer.headers['content-length'], undefined);
    assert.equal(answer.body.length, ROWS);
    assert.ok(answer.body.every((row, i) => row.n === i + 1 && row.filler.length === 1000));
  });

  test(`${way}: large uploads arrive whole, larger ones are 413`, async () => {
    const headers = { 'Content-Type': 'text/plain' };
    const answers = await Promise.all([1, 2].map((n) => ask('POST', '/rpc/sink', { headers, body: 'x'.repeat(n * 10_000_000) })));
    assert.deepEqual(answers.map((answer) => answer.body), [10_000_000, 20_000_000]);
    assert.equal((await ask('POST', '/rpc/sink', { headers: { ...headers, 'Content-Length': 70_000_000 }, body: 'x' }).catch(() => ({ status: 'closed' }))).status, 413);
  });

  test(`${way}: refused uploads are answered with what is wrong`, async () => {
    const headers = { 'Content-Type': 'text/plain', Authorization: 'Bearer x' };
    for (const size of [5_000_000, 20_000_000, 60_000_000]) {
      const answer = await ask('POST', '/rpc/sink', { headers, body: 'x'.repeat(size) });
      assert.deepEqual([answer.status, answer.body.code], [401, 'PGRST301'], `${size}`);
    }
  });

  test(`${way}: a client that leaves takes its query along`, async () => {
    const raw = rawSocket();
    raw.socket.write('GET /rpc/nap?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('the query to run', async () => (await active('nap')) === 1);
    raw.socket.destroy();
    await until('the query to end', async () => (await active('nap')) === 0);
    await assert.rejects(get('/flood', { onData: (_, request) => request.destroy() }));
    await until('the query to end', async () => (await active('flood')) === 0);
  });

  test(`${way}: a client that does not read holds no executor`, async () => {
    const raw = rawSocket();
    raw.socket.pause();
    raw.socket.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('the answer to begin', () => raw.socket.bytesRead > 10000);
    await until('the executor to be done', async () => (await active('flood')) === 0);
    assert.equal(raw.closed, false);
    raw.socket.destroy();
  });

  for (const [what, bytes] of Object.entries({
    'a length and chunks': post(['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`),
    'chunks and a length': post(['Transfer-Encoding: chunked', `Content-Length: ${5 + smuggled.length}`], `0\r\n\r\n${smuggled}`),
    'two lengths': post(['Content-Length: 0', `Content-Length: ${smuggled.length}`], smuggled),
    'the same length twice': post([`Content-Length: ${smuggled.length}`, `Content-Length: ${smuggled.length}`], smuggled),
    'chunks twice': post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${smuggled}`),
    'a coding that is none': post(['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`),
    'a list of codings': post(['Transfer-Encoding: gzip, chunked'], `0\r\n\r\n${smuggled}`),
    'a vertical tab before chunked': post(['Transfer-Encoding: \x0bchunked'], `0\r\n\r\n${smuggled}`),
    'a blank before the colon': post(['Transfer-Encoding : chunked', `Content-Length: ${5 + smuggled.length}`], `0\r\n\r\n${smuggled}`),
    'a length with a sign': post([`Content-Length: +${smuggled.length}`], smuggled),
    'chunks in HTTP/1.0': `POST /rpc/whoami HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'a request inside a body': post([`Content-Length: ${smuggled.length}`, 'Content-Type: text/plain'], smuggled),
    'a request inside a chunk': post(['Transfer-Encoding: chunked', 'Content-Type: text/plain'], `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`),
    'a line feed in a target': `GET /items?a=b%0d%0a%0d%0a${encodeURIComponent(smuggled)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'a request behind a line feed in the extension of a chunk': post(['Transfer-Encoding: chunked'], `${smuggled.length.toString(16)};a\n${smuggled}\r\n0\r\n\r\n`),
    'a chunk size of 65 bits': post(['Transfer-Encoding: chunked'], `10000000000000000\r\n\r\n${smuggled}`),
    'a folded Transfer-Encoding': post(['Transfer-Encoding:', ' chunked', `Content-Length: ${5 + smuggled.length}`], `0\r\n\r\n${smuggled}`),
    'line feeds alone': `POST /rpc/whoami HTTP/1.1\nHost: x\nContent-Length: ${smuggled.length}\n\n${smuggled}`,
    'an upgrade': `GET /items?id=eq.1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
    'a URI of another host': 'GET http://other.example/items?id=eq.1 HTTP/1.1\r\nHost: x\r\n\r\n',
    'a body of a read': `GET /items?id=eq.1 HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    'a body behind Expect': post(['Expect: 100-continue', `Content-Length: ${smuggled.length}`, 'Content-Type: text/plain'], smuggled),
    'a zero byte in a header': `GET /items?id=eq.1 HTTP/1.1\r\nHost: x\r\nA: b\0${smuggled}\r\n\r\n`,
  })) {
    test(`${way}: nothing is smuggled by ${what}`, async () => {
      const raw = rawSocket();
      raw.socket.write(bytes, 'latin1');
      await until('an answer', () => /^HTTP\/1\.1 \d{3}[^]*\r\n\r\n/.test(raw.received) || raw.closed);
      // the connections to pgrest give everyone their own answer
      const answers = await Promise.all([1, 2, 3, 4].map((n) => get(`/items?select=mine${n}:id&id=eq.${n}`)));
      answers.forEach((answer, i) => assert.deepEqual(answer.body, [{ [`mine${i + 1}`]: i + 1 }]));
      assert.ok(!raw.received.includes('"smuggled":'), raw.received);
      raw.socket.destroy();
    });
  }

  test(`${way}: odd requests are answered as without nginx`, async () => {
    assert.equal((await get('/items?id=eq.1', { headers: { Cookie: 'a=b; name="' } })).status, 200);
    assert.equal((await get('/items%00')).status, 400); // nginx itself
    assert.equal((await get('/items?name=eq.%C0%AF')).status, 400);
    assert.equal((await get('/items%C0%AF')).status, 404);
  });

  test(`${way}: without pgrest nginx answers 502; when pgrest was started again, nginx finds it`, async () => {
    server.cluster('stop');
    assert.equal((await get('/items?id=eq.1')).status, 502);
    server.cluster('start');
    await until('an answer', async () => (await get('/items?id=eq.1')).status === 200, 20000);
  });
}

test('through a unix socket nobody is counted as an address', async () => {
  server.reload({ 'pgrest.max_connections_per_address': 1 });
  await until('the setting', async () => (await server.sql('show pgrest.max_connections_per_address')) === '1');
  const answers = await Promise.all(Array.from({ length: 20 }, () => get('/items?id=eq.1')));
  for (const answer of answers) assert.equal(answer.status, 200);
});
