// What headers ask for and say: CORS, OPTIONS, representations, preferences, ranges, profiles.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.db_plan_enabled': 'on' }, readFileSync(new URL('festival.sql', import.meta.url), 'utf8'));
  await server.sql(`
    create function api.shape(headers text, status text default '') returns int stable language plpgsql as $$
    begin
      perform set_config('response.headers', headers, true), set_config('response.status', status, true);
      return 1;
    end $$;
    create view api.listing as select name from api.venues;
    create view api.cities as select distinct city from api.venues;
    create materialized view api.frozen as select * from api.venues;
    create table api.sharded (id int primary key, v text) partition by range (id);
    create table api.shard partition of api.sharded for values from (0) to (10);
    create table api.times (id int primary key, at timestamptz); insert into api.times values (1, '2030-01-01 12:00Z');
    grant select, insert, update, delete on all tables in schema api to anon;
    analyze`);
});
after(() => server?.drop());

const expect = (answer, wanted) => {
  for (const [name, value] of Object.entries(wanted)) {
    if (name === 'status') assert.equal(answer.status, value, answer.text);
    else if (name === 'body') assert.deepEqual(answer.body, value);
    else if (value instanceof RegExp) assert.match(answer.headers.get(name) ?? '', value, name);
    else assert.equal(answer.headers.get(name), value, name);
  }
};
const get = (path, headers = {}) => server.get(path, { headers });

// --- CORS ----------------------------------------------------------------------------------------------------

const exposed = 'Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding, Range-Unit';

test('CORS: every origin', async () => {
  for (const path of ['/venues', '/nothing', '/venues?id=x'])
    expect(await get(path, { Origin: 'http://a.example' }), {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': exposed,
      'access-control-allow-credentials': null,
    });
  expect(await get('/venues'), { 'access-control-allow-origin': null, 'access-control-expose-headers': null });
});

const preflight = (headers, path = '/venues') => server.send('OPTIONS', path, { headers: { Origin: 'http://a.example', 'Access-Control-Request-Method': 'PATCH', ...headers } });

test('CORS: preflight', async () => {
  expect(await preflight({ 'Access-Control-Request-Headers': 'X-One, authorization, Accept' }, '/what/ever'), {
    status: 200,
    body: '',
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD',
    'access-control-allow-headers': 'Authorization, X-One, authorization, Accept, Accept-Language, Content-Language',
    'access-control-max-age': '86400',
    allow: null,
    vary: null,
  });
  expect(await preflight({ Authorization: 'Bearer rubbish' }), { status: 200, 'access-control-allow-headers': null });
});

test('CORS: what is no preflight is OPTIONS', async () => {
  for (const headers of [{ 'Access-Control-Request-Method': 'TRACE' }, { 'Access-Control-Request-Method': 'get' }, { 'Access-Control-Request-Headers': 'a b' }])
    expect(await preflight(headers), { status: 200, allow: /^OPTIONS,GET/, 'access-control-allow-methods': null });
});

test('CORS: listed origins', async () => {
  server.reload({ 'pgrest.server_cors_allowed_origins': 'http://a.example, http://b.example:81' });
  await until('the list', async () => (await get('/venues', { Origin: 'http://c.example' })).headers.get('access-control-allow-origin') === null);
  expect(await get('/venues', { Origin: 'http://b.example:81' }), {
    status: 200,
    'access-control-allow-origin': 'http://b.example:81',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': exposed,
  });
  expect(await get('/venues', { Origin: 'http://A.example' }), { status: 200, 'access-control-allow-origin': null });
  expect(await preflight({}), { 'access-control-allow-origin': 'http://a.example', 'access-control-allow-credentials': 'true' });
  expect(await preflight({ Origin: 'http://c.example' }), { status: 200, allow: /GET/, 'access-control-allow-origin': '*', 'access-control-allow-methods': null });
  server.reload({ 'pgrest.server_cors_allowed_origins': '' });
  await until('no list', async () => (await get('/venues', { Origin: 'http://c.example' })).headers.get('access-control-allow-origin') === '*');
});

// --- OPTIONS -------------------------------------------------------------------------------------------------

const all = 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE';
for (const [path, allow] of [
  ['/', 'OPTIONS,GET,HEAD'],
  ['/venues', all],
  ['/closed', 'OPTIONS,GET,HEAD,POST,PATCH,DELETE'],
  ['/sharded', all],
  ['/listing', 'OPTIONS,GET,HEAD,POST,PATCH,DELETE'],
  ['/cities', 'OPTIONS,GET,HEAD'],
  ['/frozen', 'OPTIONS,GET,HEAD'],
  ['/rpc/tidy', 'OPTIONS,POST'],
  ['/rpc/claims', 'OPTIONS,GET,HEAD,POST'],
]) {
  test(`OPTIONS ${path}`, async () => expect(await server.send('OPTIONS', path), { status: 200, body: '', allow, 'access-control-allow-origin': '*', 'content-length': '0', vary: /Accept/ }));
}

test('OPTIONS: errors', async () => {
  for (const [path, status] of [['/nothing', 404], ['/shard', 404], ['/rpc/add', 404], ['/rpc/claims?a=1', 400], ['/venues?id=x', 400], ['/venues?limit=-1', 416]])
    expect(await server.send('OPTIONS', path), { status });
  expect(await server.send('OPTIONS', '/rpc/claims', { headers: { Accept: 'video/mp4' } }), { status: 406 });
});

// --- representations -----------------------------------------------------------------------------------------

const one = '/venues?select=id,city&id=eq.3';
for (const [accept, type, body] of [
  ['*/*', 'application/json; charset=utf-8', [{ id: 3, city: null }]],
  ['application/json', 'application/json; charset=utf-8', [{ id: 3, city: null }]],
  ['APPLICATION/JSON;version=1', 'application/json; charset=utf-8', [{ id: 3, city: null }]],
  ['application/vnd.pgrst.array+json', 'application/json; charset=utf-8', [{ id: 3, city: null }]],
  ['application/vnd.pgrst.array+json;nulls=stripped', 'application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8', [{ id: 3 }]],
  ['application/vnd.pgrst.object', 'application/vnd.pgrst.object+json; charset=utf-8', { id: 3, city: null }],
  ['application/vnd.pgrst.object+json', 'application/vnd.pgrst.object+json; charset=utf-8', { id: 3, city: null }],
  ['application/vnd.pgrst.object+json; nulls=stripped', 'application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8', { id: 3 }],
  ['text/csv', 'text/csv; charset=utf-8', 'id,city\n3,'],
  ['image/gif, text/csv;q=0.5, application/json;q=0.4', 'text/csv; charset=utf-8', 'id,city\n3,'],
  ['text/csv;q=0.1, */*;q=0.2', 'application/json; charset=utf-8', [{ id: 3, city: null }]],
]) {
  test(`Accept: ${accept}`, async () => expect(await get(one, { Accept: accept }), { status: 200, 'content-type': type, body, 'content-range': '0-0/*' }));
}

test('a plan', async () => {
  const answer = await get(one, { Accept: 'application/vnd.pgrst.plan+json; for="text/csv"; options=settings|analyze' });
  expect(answer, {
    status: 200,
    'content-type': 'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|settings; charset=utf-8',
    'content-range': null,
    'content-location': null,
  });
  assert.equal(answer.body[0].Plan['Actual Loops'], 1);
  expect(await get(one, { Accept: 'application/vnd.pgrst.plan; for="image/gif"' }), { status: 406 });
});

test('a plan of a write writes nothing', async () => {
  const body = { id: 50, name: 'x' };
  expect(await server.post('/venues', body, { headers: { Accept: 'application/vnd.pgrst.plan' } }), { status: 200, 'content-type': /plan\+text/ });
  assert.equal(await server.sql('select count(*) from api.venues where id = 50'), '0');
});

test('a plan of a call with a body of bytes', async () => {
  await server.sql(`create function api.weigh(bytea) returns int language sql as 'select length($1)'`);
  const bytes = (headers) => server.post('/rpc/weigh', Buffer.from([0, 255, 254]), { headers: { 'Content-Type': 'application/octet-stream', ...headers } });
  expect(await bytes({}), { status: 200, body: 3 });
  const plan = await bytes({ Accept: 'application/vnd.pgrst.plan' });
  expect(plan, { status: 200, 'content-type': /plan\+text/ });
  assert.match(plan.body, /^Result .*cost/);
});

test('bodies: CSV and forms', async () => {
  const csv = { 'Content-Type': 'text/csv; charset=utf-8', Prefer: 'return=representation' };
  expect(await server.post('/venues', 'id,name,city\r\n60,"a, ""b""",NULL\r\n61,c,\r\n', { headers: csv }), {
    status: 201,
    body: [{ id: 60, name: 'a, "b"', city: null }, { id: 61, name: 'c', city: '' }],
  });
  const form = { 'Content-Type': 'application/x-www-form-urlencoded', Prefer: 'return=representation' };
  expect(await server.post('/venues', 'id=62&name=a+b%26c', { headers: form }), { status: 201, body: [{ id: 62, name: 'a b&c', city: null }] });
  expect(await server.post('/rpc/total', 'n=1&n=2', { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }), { body: 3 });
  await server.send('DELETE', '/venues?id=gte.60');
});

// --- ranges and counts ---------------------------------------------------------------------------------------

for (const [path, headers, status, range, rows] of [
  ['/artists', {}, 200, '0-2/*', 3],
  ['/artists', { Range: '1-1' }, 200, '1-1/*', 1],
  ['/artists', { Range: '1-' }, 200, '1-2/*', 2],
  ['/artists', { Range: 'bytes=1-1' }, 200, '0-2/*', 3],
  ['/artists', { Prefer: 'count=exact' }, 200, '0-2/3', 3],
  ['/artists', { Prefer: 'count=exact', Range: '0-0' }, 206, '0-0/3', 1],
  ['/artists?limit=2&offset=1', { Prefer: 'count=exact' }, 206, '1-2/3', 2],
  ['/artists?limit=0', {}, 200, '*/*', 0],
  ['/artists?limit=0', { Prefer: 'count=exact' }, 206, '*/3', 0],
  ['/artists?offset=3', { Prefer: 'count=exact' }, 206, '*/3', 0],
  ['/artists?offset=9', {}, 200, '*/*', 0],
  ['/artists?limit=1', { Prefer: 'count=planned' }, 206, '0-0/3', 1],
  ['/artists?limit=1', { Prefer: 'count=estimated' }, 206, '0-0/3', 1],
  ['/rpc/busy?min_rating=3', { Prefer: 'count=exact' }, 200, '0-2/3', 3],
  ['/rpc/busy?min_rating=3&limit=1', { Prefer: 'count=exact' }, 206, '0-0/3', 1],
]) {
  test(`${path} ${JSON.stringify(headers)}: ${range}`, async () => {
    const answer = await get(path, headers);
    expect(answer, { status, 'content-range': range });
    assert.equal(answer.body.length, rows);
    const head = await server.send('HEAD', path, { headers });
    if (!headers.Range) expect(head, { status, 'content-range': range, body: '', 'content-length': null, 'content-type': answer.headers.get('content-type') });
  });
}

test('Content-Location is the canonical query', async () => {
  expect(await get('/venues?select=name&id=gt.1&id=lt.3'), { 'content-location': '/venues?id=gt.1,lt.3&select=name', body: [{ name: 'Harbour' }] });
  const ids = Array.from({ length: 1000 }, (_, n) => n).join(',');
  expect(await get(`/venues?select=id&id=in.(${ids})`), { status: 200, 'content-location': null });
  expect(await get('/venues'), { 'content-location': '/venues', vary: 'Accept, Prefer, Range' });
});

// --- preferences ---------------------------------------------------------------------------------------------

const prefer = (method, path, value, body) => server.send(method, path, { headers: { Prefer: value }, body });

test('Prefer: return', async () => {
  expect(await prefer('POST', '/genres', 'return=minimal', { id: 20, name: 'a' }), {
    status: 201, body: '', 'content-range': '*/*', 'preference-applied': 'return=minimal', location: null, 'content-length': '0', 'content-type': null,
  });
  expect(await prefer('POST', '/genres', 'return=headers-only', { id: 21, name: 'a' }), { status: 201, body: '', location: '/genres?id=eq.21', 'preference-applied': 'return=headers-only' });
  expect(await prefer('POST', '/genres', 'return=representation, count=exact', { id: 22, name: 'a' }), {
    status: 201, body: [{ id: 22, name: 'a' }], location: null, 'content-range': '*/1', 'preference-applied': 'return=representation, count=exact',
  });
  expect(await server.post('/genres', [{ id: 23, name: 'a' }, { id: 24, name: 'b' }], { headers: { Prefer: 'return=headers-only' } }), { location: null });
  expect(await prefer('PATCH', '/genres?id=eq.20', 'return=minimal', { name: 'b' }), { status: 204, 'content-length': null, 'content-range': '0-0/*' });
  expect(await prefer('PATCH', '/genres?id=gte.20', 'return=representation, count=exact', { name: 'c' }), { status: 200, 'content-range': '0-4/5' });
  expect(await prefer('DELETE', '/genres?id=gte.20', 'count=exact'), { status: 204, 'content-range': '*/5', 'preference-applied': 'count=exact' });
});

test('Prefer: resolution, and PUT', async () => {
  expect(await prefer('POST', '/genres', 'resolution=merge-duplicates', { id: 1, name: 'swing' }), { status: 200, 'preference-applied': 'resolution=merge-duplicates' });
  expect(await prefer('POST', '/genres', 'resolution=ignore-duplicates, return=representation', [{ id: 1, name: 'no' }, { id: 30, name: 'yes' }]), { status: 201, body: [{ id: 30, name: 'yes' }] });
  expect(await prefer('PUT', '/genres?id=eq.31', 'return=representation', { id: 31, name: 'new' }), { status: 201, body: [{ id: 31, name: 'new' }], 'content-range': null });
  expect(await prefer('PUT', '/genres?id=eq.31', 'return=representation', { id: 31, name: 'old' }), { status: 200 });
  expect(await prefer('PUT', '/genres?id=eq.31', 'return=minimal', { id: 31, name: 'x' }), { status: 204, body: '' });
  await server.send('DELETE', '/genres?id=gte.30');
});

test('Prefer: missing', async () => {
  await server.sql(`create table api.defaults (id int primary key, v int default 7); grant all on api.defaults to anon`);
  const rows = [{ id: 1, v: 1 }, { id: 2 }];
  expect(await prefer('POST', '/defaults?columns=id,v', 'missing=default, return=representation', rows), { body: [{ id: 1, v: 1 }, { id: 2, v: 7 }], 'preference-applied': 'missing=default, return=representation' });
  expect(await prefer('POST', '/defaults?columns=id,v', 'missing=null, return=representation', [{ id: 3 }]), { body: [{ id: 3, v: null }] });
});

test('Prefer: timezone', async () => {
  const at = async (zone) => (await prefer('GET', '/times?select=at', `timezone=${zone}`)).body[0].at;
  assert.equal(await at('Asia/Tokyo'), '2030-01-01T21:00:00+09:00');
  assert.equal(await at('-4'), '2030-01-01T08:00:00-04:00');
  assert.equal((await get('/times')).body[0].at, '2030-01-01T12:00:00+00:00');
});

test('Prefer: handling, several headers, the first of contradicting ones, what is not echoed', async () => {
  expect(await prefer('GET', '/venues', 'handling=strict, count=exact, timezone=UTC'), { status: 200, 'preference-applied': 'count=exact, handling=strict, timezone=UTC' });
  expect(await prefer('GET', '/venues', 'count=planned, count=exact'), { 'preference-applied': 'count=planned' });
  expect(await prefer('GET', '/venues', 'Count=exact, tx=rollback, return=minimal, nonsense'), { status: 200, 'content-range': '0-2/*', 'preference-applied': null });
  expect(await prefer('GET', '/venues', 'handling=strict, tx=rollback, return=minimal'), { status: 200, 'preference-applied': 'handling=strict' });
  expect(await prefer('GET', '/venues', 'handling=strict, count=none'), { status: 400 });
  const connection = server.connect();
  connection.write('GET /venues HTTP/1.1\r\nHost: x\r\nPrefer: count=exact\r\nPrefer: timezone=UTC\r\n\r\n');
  assert.equal((await connection.take())[0].headers['preference-applied'], 'count=exact, timezone=UTC');
  connection.end();
});

test('Prefer: max-affected', async () => {
  expect(await prefer('PATCH', '/venues?id=eq.1', 'handling=strict, max-affected=1', { city: 'Graz' }), { status: 204, 'preference-applied': 'handling=strict, max-affected=1' });
  expect(await prefer('PATCH', '/venues?id=eq.1', 'max-affected=0', { city: 'Graz' }), { status: 204, 'preference-applied': null });
});

// --- what the database says ----------------------------------------------------------------------------------

test('response.headers and response.status', async () => {
  const headers = [{ 'X-Tide': 'high' }, { 'Set-Cookie': 'a=1' }, { 'Set-Cookie': 'b=2' }, { vary: 'Tide' }];
  const answer = await get(`/rpc/shape?headers=${encodeURIComponent(JSON.stringify(headers))}&status=202`);
  expect(answer, { status: 202, 'x-tide': 'high', vary: 'Tide', body: 1 });
  assert.equal(answer.headers.get('set-cookie'), 'a=1, b=2');
  expect(await get('/rpc/shape?headers='), { status: 200, 'x-tide': null, vary: 'Accept, Prefer, Range' });
});

test('the trace header comes back', async () => {
  server.reload({ 'pgrest.server_trace_header': 'X-Request-Id' });
  await until('the header', async () => (await get('/venues', { 'x-request-id': 'abc' })).headers.get('x-request-id') === 'abc');
  expect(await get('/nothing', { 'X-Request-ID': 'd-1' }), { status: 404, 'x-request-id': 'd-1' });
  expect(await get('/venues'), { 'x-request-id': '' });
  server.reload({ 'pgrest.server_trace_header': '' });
});

test('profiles', async () => {
  expect(await get('/venues'), { 'content-profile': null });
  expect(await get('/venues', { 'Accept-Profile': 'api' }), { 'content-profile': 'api' });
  server.reload({ 'pgrest.db_schemas': 'api, archive' });
  await until('two schemas', async () => (await get('/venues')).headers.get('content-profile') === 'api');
  expect(await get('/venues', { 'Accept-Profile': 'archive' }), { body: [{ id: 9, name: 'Old fort' }], 'content-profile': 'archive' });
  expect(await get('/venues', { 'Content-Profile': 'archive' }), { 'content-profile': 'api' });
  const post = (headers) => server.post('/rpc/add', { a: 1, b: 2 }, { headers });
  expect(await post({ 'Content-Profile': 'archive' }), { status: 404 });
  expect(await post({ 'Accept-Profile': 'archive' }), { status: 200, 'content-profile': 'api' });
  expect(await server.post('/rpc/tidy', {}), { status: 204, 'content-profile': null });
  server.reload({ 'pgrest.db_schemas': 'api' });
});

test('an estimate beyond all numbers is the largest one', async () => {
  await server.sql(`create view api.astronomic as select 1 as one from generate_series(1, 1000000000) a, generate_series(1, 1000000000) b, generate_series(1, 1000000000) c;
    grant select on api.astronomic to anon`);
  const answer = await server.get('/astronomic?limit=0', { headers: { Prefer: 'count=planned' } });
  assert.deepEqual([answer.status, answer.headers.get('content-range')], [206, '*/9223372036854775807']);
});
