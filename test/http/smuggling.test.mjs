// Requests that two readers could understand differently, and requests that are merely odd, byte by byte.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, sleep, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.header_timeout': 2 });
});
after(() => server?.drop());

// Sent behind every request that must be refused: it must not be answered.
const smuggled = 'GET /items?select=smuggled:id&id=eq.7 HTTP/1.1\r\nHost: x\r\n\r\n';
const get = (target, ...fields) => [`GET ${target} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');
const post = (fields, body) => ['POST /items HTTP/1.1', 'Host: x', ...fields, '', body].join('\r\n');
const utf8 = (text) => Buffer.from(text).toString('latin1');

// Refused by us, with JSON, and the connection ends.
const refused = {
  'a line feed alone after the request line': 'GET /items HTTP/1.1\nHost: x\r\n\r\n',
  'a line feed alone after a header': 'GET /items HTTP/1.1\r\nHost: x\n\r\n',
  'a line feed alone as the empty line': 'GET /items HTTP/1.1\r\nHost: x\r\n\n',
  'line feeds everywhere': 'GET /items HTTP/1.1\nHost: x\n\n',
  'a carriage return in the target': 'GET /items\r HTTP/1.1\r\nHost: x\r\n\r\n',
  'a carriage return in a value': get('/items', 'A: b\rc'),
  'a carriage return before the end of a line': get('/items', 'A: b\r'),
  'a folded line': get('/items', 'A: b', ' c'),
  'a folded line after the request line': 'GET /items HTTP/1.1\r\n Host: x\r\n\r\n',
  'a folded line that makes a Content-Length of its name': post(['Content-:                 5', ' Length'], 'hello'),
  'a folded line that makes a Transfer-Encoding of its name': post(['Transfer-:                 chunked', ' Encoding'], '0\r\n\r\n'),
  'a zero byte in a value': get('/items', 'A: b\0c'),
  'a zero byte that begins a line': get('/items', '\0A: b'),
  'a zero byte in the target': get('/items\0/x'),
  'a zero byte in the method': 'G\0ET /items HTTP/1.1\r\nHost: x\r\n\r\n',
  'a delete character in a value': get('/items', 'A: b\x7f'),
  'an escape character in the target': get('/items\x1b'),
  'a space in the target': get('/items x'),
  'a tab in the target': get('/items\tx'),
  'two spaces before the target': 'GET  /items HTTP/1.1\r\nHost: x\r\n\r\n',
  'two spaces after the target': 'GET /items  HTTP/1.1\r\nHost: x\r\n\r\n',
  'a space before the colon': get('/items', 'A : b'),
  'a space before the colon of a length': post(['Content-Length : 5'], 'hello'),
  'a header without a name': get('/items', ': b'),
  'a header name with a letter of 8 bits': get('/items', '\xe4: b'),
  'no Host': 'GET /items HTTP/1.1\r\nA: b\r\n\r\n',
  'no header at all': 'GET /items HTTP/1.1\r\n\r\n',
  'two Hosts': get('/items', 'host: x'),
  'a Host that is a path': 'GET /items HTTP/1.1\r\nHost: x/y\r\n\r\n',
  'a Host with a space': 'GET /items HTTP/1.1\r\nHost: x y\r\n\r\n',
  'two lengths': post(['Content-Length: 5', 'Content-Length: 6'], 'hello'),
  'the same length twice': post(['Content-Length: 5', 'Content-Length: 5'], 'hello'),
  'a list of lengths': post(['Content-Length: 5, 5'], 'hello'),
  'a length with a sign': post(['Content-Length: +5'], 'hello'),
  'a negative length': post(['Content-Length: -5'], 'hello'),
  'a hexadecimal length': post(['Content-Length: 0x5'], 'hello'),
  'a length with a blank behind it': post(['Content-Length: 5 '], 'hello'),
  'an empty length': post(['Content-Length:'], 'hello'),
  'a length and chunks': post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  'chunks and a length': post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'),
  'chunks twice': post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  'chunks and something else': post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'),
  'a list of codings': post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'),
  'a coding that is none': post(['Transfer-Encoding: xchunked'], '0\r\n\r\n'),
  'the coding identity': post(['Transfer-Encoding: identity'], '0\r\n\r\n'),
  'chunked with a blank behind it': post(['Transfer-Encoding: chunked '], '0\r\n\r\n'),
  'chunked with a tab behind it': post(['Transfer-Encoding: chunked\t'], '0\r\n\r\n'),
  'chunked in quotes': post(['Transfer-Encoding: "chunked"'], '0\r\n\r\n'),
  'a coding without a name': post(['Transfer-Encoding:'], '0\r\n\r\n'),
  'chunks in HTTP/1.0': 'POST /items HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a target that is no path': get('items'),
  'a chunk whose line goes on for ever': post(['Transfer-Encoding: chunked'], `2;${'x'.repeat(200_000)}`),
  'a chunk whose size has no end of zeros': post(['Transfer-Encoding: chunked'], '0'.repeat(200_000)),
  'a URI of another scheme': get('ftp://host/items'),
  'a URI without a host': get('http:///items'),
  'a URI with a user': get('http://user:password@host/items'),
  'a URI whose host holds the beginning of a fragment': get('http://host#x/items'),
  'an asterisk with GET': get('*'),
};

for (const [what, bytes] of Object.entries(refused)) {
  test(`refused: ${what}`, async () => {
    const connection = server.connect();
    connection.write(bytes + smuggled);
    await until('the end of the connection', () => connection.closed);
    const answers = connection.answers();
    assert.equal(answers.length, 1, connection.received);
    assert.equal(answers[0].status, 400, connection.received);
    assert.equal(JSON.parse(answers[0].body).code, 'PGRST400');
    assert.equal(answers[0].headers.connection, 'close');
    assert.ok(!connection.received.includes('smuggled'));
  });
}

test('a length beyond 64 bits is too large', async () => {
  const connection = server.connect();
  connection.write(post(['Content-Length: 99999999999999999999'], 'hello') + smuggled);
  await until('the end of the connection', () => connection.closed);
  assert.deepEqual([connection.answers().length, connection.answers()[0].status, JSON.parse(connection.answers()[0].body).code], [1, 413, 'PGRST413']);
});

test('a malformed length is refused on the connection that sent it', async () => {
  const others = Array.from({ length: 5 }, () => server.connect());
  others.forEach((connection, n) => connection.write(`POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: ${n % 2 ? '2' : '0'}\r\n`));
  const slow = server.connect();
  slow.write('POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n');
  await sleep(200);
  slow.write('\r\nhello');
  await until('the end of the connection', () => slow.closed);
  assert.deepEqual([slow.answers().length, slow.answers()[0].status], [1, 400]);
  others.forEach((connection, n) => connection.write(n % 2 ? '\r\n{}' : '\r\n'));
  for (const connection of others) assert.equal(JSON.parse((await connection.take())[0].body).code.startsWith('PGRST4'), false);
  others.forEach((connection) => connection.end());
});

// libmicrohttpd finds these before we see them. Its texts cannot be changed; docs/operations.md lists them.
const malformed = 'Your HTTP request was syntactically incorrect.';
const badChunks = 'Your HTTP chunked encoding was syntactically incorrect.';
const refusedByLibrary = {
  'a header without a colon': [400, get('/items', 'Ab'), malformed],
  'a zero byte in a header name': [400, get('/items', 'A\0B: c'), malformed],
  'a request line without a version': [400, 'GET /items\r\n\r\n', malformed],
  'a version in small letters': [400, 'GET /items http/1.1\r\nHost: x\r\n\r\n', malformed],
  'a blank behind the version': [400, 'GET /items HTTP/1.1 \r\nHost: x\r\n\r\n', malformed],
  'a zero byte behind the version': [400, 'GET /items HTTP/1.1\0\r\nHost: x\r\n\r\n', malformed],
  'tabs in the request line': [400, 'GET\t/items HTTP/1.1\r\nHost: x\r\n\r\n', malformed],
  'the preface of HTTP/2': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'Requested HTTP version is not supported.'],
  'a version 2': [505, 'GET /items HTTP/2.0\r\nHost: x\r\n\r\n', 'Requested HTTP version is not supported.'],
  'a version 0.9': [505, 'GET /items HTTP/0.9\r\nHost: x\r\n\r\n', 'Requested HTTP version is too old and not supported.'],
  'a chunk size that is none': [400, post(['Transfer-Encoding: chunked'], 'xyz\r\n{}\r\n0\r\n\r\n'), badChunks],
  'a chunk size with a prefix': [400, post(['Transfer-Encoding: chunked'], '0x2\r\n{}\r\n0\r\n\r\n'), badChunks],
  'a chunk size with a sign': [400, post(['Transfer-Encoding: chunked'], '-2\r\n{}\r\n0\r\n\r\n'), badChunks],
  'a chunk size with a blank': [400, post(['Transfer-Encoding: chunked'], '2 \r\n{}\r\n0\r\n\r\n'), badChunks],
  'an empty chunk size': [400, post(['Transfer-Encoding: chunked'], '\r\n{}\r\n0\r\n\r\n'), badChunks],
  'a chunk longer than its size': [400, post(['Transfer-Encoding: chunked'], '2\r\n{} \r\n0\r\n\r\n'), badChunks],
  'a trailer without a colon': [400, post(['Transfer-Encoding: chunked'], '0\r\nab\r\n\r\n'), malformed],
  'trailers larger than the memory of a connection': [431, post(['Transfer-Encoding: chunked'], `0\r\n${'a: b\r\n'.repeat(20_000)}\r\n`), 'Your HTTP header was too big'],
  'a chunk size beyond 64 bits': [413, post(['Transfer-Encoding: chunked'], 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'), 'The chunk size used in your HTTP chunked encoded request is too large.'],
};

for (const [what, [status, bytes, text]] of Object.entries(refusedByLibrary)) {
  test(`refused by libmicrohttpd: ${what}`, async () => {
    const connection = server.connect();
    connection.write(bytes + smuggled);
    await until('the end of the connection', () => connection.closed);
    assert.equal(connection.answers()[0]?.status, status, connection.received);
    assert.ok(connection.received.includes(text), connection.received);
    assert.ok(!connection.received.includes('smuggled'));
  });
}

for (const [what, bytes] of Object.entries({
  'a line without a space': 'hello\r\n\r\n',
  'a line without a method': ' /items HTTP/1.1\r\nHost: x\r\n\r\n',
  'the beginning of TLS': '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 no line feed',
  'the beginning of TLS with a line feed in it': '\x16\x03\x01\x00\x0a\x01\x00\x00\xa1\x03\x03 more\r\n',
})) {
  test(`closed without an answer of ours: ${what}`, async () => {
    const connection = server.connect();
    connection.write(bytes);
    await until('the end of the connection', () => connection.closed);
    assert.ok(connection.received === '' || connection.answers()[0].status >= 400, connection.received);
    assert.equal((await server.get('/items?id=eq.1')).status, 200);
  });
}

// Handled, and the connection stays.
const row = '[{"id":1}]';
const handled = {
  'a URI of http': [get('http://host.example:8080/items?select=id&id=eq.1'), 200, row],
  'a URI of HTTPS in capitals': [get('HTTPS://host.example/items?select=id&id=eq.1'), 200, row],
  'empty lines before the request': [`\r\n\r\n${get('/items?select=id&id=eq.1')}`, 200, row],
  'an empty Host': ['GET /items?select=id&id=eq.1 HTTP/1.1\r\nHost:\r\n\r\n', 200, row],
  'a Host that is an IPv6 address with a port': ['GET /items?select=id&id=eq.1 HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n', 200, row],
  'no blank after a colon': ['GET /items?select=id&id=eq.1 HTTP/1.1\r\nHost:x\r\n\r\n', 200, row],
  'blanks and tabs around values': [get('/items?select=id&id=eq.1', 'Accept: \t application/json\t ', 'A:\tb\tc\t'), 200, row],
  'an empty value': [get('/items?select=id&id=eq.1', 'A:', 'B:   '), 200, row],
  'HTTP/1.2': ['GET /items?select=id&id=eq.1 HTTP/1.2\r\nHost: x\r\n\r\n', 200, row],
  'HTTP/1.0 that asks to stay': ['GET /items?select=id&id=eq.1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 200, row],
  'an upgrade to HTTP/2': [get('/items?select=id&id=eq.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'), 200, row],
  'an upgrade to WebSocket': [get('/items?select=id&id=eq.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'), 200, row],
  'an expectation that nobody knows': [get('/items?select=id&id=eq.1', 'Expect: wonders'), 200, row],
  'a read with a body': [`${get('/items?select=id&id=eq.1', 'Content-Length: 5')}hello`, 200, row],
  'text of 8 bits in a value': [get('/items?select=id&id=eq.1', 'A: \xe4\xff'), 200, row],
  'UTF-8 in the target that is not percent-encoded': [get(utf8('/items?select=id&id=eq.1&name=neq.é')), 200, row],
  'text of 8 bits in a query that is no UTF-8': [get('/items?name=eq.\xe4'), 400],
  'an over-long slash in a query': [get('/items?name=eq.%C0%AF'), 400],
  'a surrogate in a query': [get('/items?name=eq.%ED%A0%80'), 400],
  'a sequence that breaks off in a query': [get('/items?name=eq.%E2%82'), 400],
  'text of 8 bits in a path that is no UTF-8': [get('/items\xff'), 404],
  'an over-long slash in a path': [get('/items%C0%AF'), 404],
  'an over-long path segment': [get('/rpc%C0%AFwhoami'), 404],
  'a zero byte, percent-encoded, in a path': [get('/items%00'), 404],
  'a zero byte, percent-encoded, in a function': [get('/rpc/whoami%00'), 404],
  'a zero byte, percent-encoded, ends a name': [get('/items?select=id&id%00x=eq.1'), 200, row],
  'a zero byte, percent-encoded, ends a value': [get('/items?select=id&id=eq.1%00x'), 200, row],
  'an encoded slash is no separator': [get('/rpc%2Fwhoami'), 404],
  'an encoded slash in a function': [get('/rpc/who%2Fami'), 404],
  'dots are no way up': [get('/rpc/../items'), 404],
  'encoded dots are no way up': [get('/rpc/%2e%2e/items'), 404],
  'two slashes': [get('//items'), 404],
  'a percent sign without digits': [get('/items%zz'), 404],
  'TRACE': ['TRACE /items HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  'a method that nobody knows': ['BREW /items HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  'a method in small letters': ['get /items HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  'chunks in capitals': ['POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n', 200, '"anon"'],
  'chunks with an extension': ['POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a="b"\r\n{}\r\n0\r\n\r\n', 200, '"anon"'],
  'a zero byte and a carriage return in the extension of a chunk': ['POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;\0\r\x7f\r\n{}\r\n0\r\n\r\n', 200, '"anon"'],
  'a chunk size with zeros before it': ['POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000002\r\n{}\r\n000\r\n\r\n', 200, '"anon"'],
  'line feeds alone after chunks and their sizes': ['POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\r\n\r\n', 200, '"anon"'],
  'trailers that are folded, hold a zero byte, or end with a line feed alone': [
    'POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n Z: y\r\nA: b\r\n c\r\nD: e\0f\nCookie: g="\r\n\r\n', 200, '"anon"'],
  'a length with zeros before it': ['POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nContent-Length: 00000000000000000000000002\r\n\r\n{}', 200, '"anon"'],
  'a read with chunks': ['GET /items?select=id&id=eq.1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 200, row],
  'OPTIONS with a body': ['OPTIONS /items HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello', 200],
  'a request that is refused, with a body': [post(['Authorization: Bearer x', 'Content-Length: 5'], 'hello'), 401],
  'a header name of every character that it may have': [get('/items?select=id&id=eq.1', "!#$%&'*+-.^_`|~09aZ: b"), 200, row],
  'many empty lines before the request': [`${'\r\n'.repeat(1000)}${get('/items?select=id&id=eq.1')}`, 200, row],
  'headers after the chunks count for nothing': [
    'POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 500\r\nAuthorization: Bearer x\r\n\r\n', 200, '"anon"'],
};

for (const [what, [bytes, status, body]] of Object.entries(handled)) {
  test(`handled: ${what}`, async () => {
    const connection = server.connect();
    connection.write(bytes + get('/items?select=next:id&id=eq.2'));
    const answers = await connection.take(2);
    assert.equal(answers[0]?.status, status, connection.received);
    if (body) assert.equal(answers[0].body, body);
    assert.equal(answers[1]?.body, '[{"next":2}]', connection.received);
    connection.end();
  });
}

for (const [what, text, cookies] of [
  ['a quote that is not closed', 'a=b; name="', { a: 'b', name: '"' }],
  ['quotes around a semicolon, which ends a cookie all the same', 'a="b;c"', { a: '"b', 'c"': '' }],
  ['commas', 'a=b,c=d', { a: 'b,c=d' }],
  ['5000 cookies', '=;a='.repeat(5000), { '': '', a: '' }],
]) {
  test(`cookies are left to pgrest: ${what}`, async () => {
    const connection = server.connect();
    const body = `{"query": "select current_setting('request.cookies')"}`;
    const fields = [`Cookie: ${text}`, 'Content-Type: application/json', `Content-Length: ${body.length}`];
    connection.write(`POST /rpc/value HTTP/1.1\r\nHost: x\r\n${fields.join('\r\n')}\r\n\r\n${body}`);
    const [answer] = await connection.take();
    assert.equal(answer?.status, 200, connection.received);
    assert.deepEqual(JSON.parse(JSON.parse(answer.body)), cookies);
    connection.end();
  });
}

test('OPTIONS of the server and of a URI without a path', async () => {
  for (const target of ['*', 'http://host.example']) {
    const connection = server.connect();
    connection.write(`OPTIONS ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [answer] = await connection.take();
    assert.equal(answer.status, 200, target);
    assert.equal(answer.headers.allow, 'OPTIONS,GET,HEAD');
    connection.end();
  }
});

test('CONNECT is refused and the connection ends', async () => {
  const connection = server.connect();
  connection.write(`CONNECT host.example:443 HTTP/1.1\r\nHost: host.example:443\r\n\r\n${smuggled}`);
  await until('the end of the connection', () => connection.closed);
  assert.equal(connection.answers()[0].status, 405);
  assert.ok(!connection.received.includes('smuggled'));
});

test('HTTP/1.0 is answered, and the connection ends', async () => {
  const connection = server.connect();
  connection.write('GET /items?select=id&id=eq.1 HTTP/1.0\r\n\r\n');
  await until('the end of the connection', () => connection.closed);
  assert.equal(connection.answers()[0].body, row);
});

test('a streamed answer to HTTP/1.0 has no chunks', async () => {
  await server.sql(`create or replace view api.many as select n from generate_series(1, 200000) n; grant select on api.many to anon`);
  const connection = server.connect();
  connection.write('GET /many HTTP/1.0\r\n\r\n');
  await until('the end of the connection', () => connection.closed);
  const [head, body] = connection.received.split('\r\n\r\n');
  assert.doesNotMatch(head, /transfer-encoding/i);
  assert.equal(JSON.parse(body).length, 200000);
});

test('Expect: 100-continue is answered before the body', async () => {
  const connection = server.connect();
  const head = 'POST /rpc/whoami HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
  connection.write(head);
  await until('the go-ahead', () => connection.received === 'HTTP/1.1 100 Continue\r\n\r\n');
  connection.write('{}');
  await until('the answer', () => connection.received.includes('"anon"'));
  connection.end();
});

test('Expect: 100-continue of a request that is refused gets the final answer at once', async () => {
  const connection = server.connect();
  connection.write('POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n');
  await until('the end of the connection', () => connection.closed);
  assert.equal(connection.answers()[0].status, 401);
  assert.ok(!connection.received.includes('100 Continue'));
});

test('a head may come byte by byte', async () => {
  const connection = server.connect();
  connection.socket.setNoDelay(true);
  const bytes = get('/items?select=id&id=eq.1', 'A: 1', 'B: 2', 'C:');
  for (const byte of bytes) {
    connection.write(byte);
    await new Promise(setImmediate);
  }
  assert.equal((await connection.take())[0].body, row);
  connection.end();
});

test('a query of 3000 parameters', async () => {
  const conditions = Array.from({ length: 3000 }, () => 'id=gt.0').join('&');
  const answer = await server.get(`/items?select=id&id=eq.1&${conditions}`);
  assert.equal(answer.status, 200, answer.text);
});
