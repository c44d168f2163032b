// Every error that has a code, once: its status, its body's fields, its headers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { sleep, Server, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2 }, readFileSync(new URL('festival.sql', import.meta.url), 'utf8'));
  await server.sql(`
    create table api.ages (id int primary key, at timestamptz, n int2 not null, name varchar(3), kind int generated always as identity);
    create view api.castle as select * from api.venues where city = 'Graz' with check option;
    create view api.cities as select distinct city from api.venues;
    create materialized view api.frozen as select * from api.venues;
    create table api.looping (id int); alter table api.looping enable row level security;
    create policy p on api.looping using (exists (select from api.looping));
    create view api.many as select (select id from api.venues) as id;
    create table api.pairs (a int unique, b int);
    create function api.pick(a int, b int default 1) returns int immutable language sql as 'select a';
    create function api.pick(a int) returns int immutable language sql as 'select a';
    create function api.settle(status text, headers text) returns int language plpgsql as $$
    begin
      perform set_config('response.status', status, true), set_config('response.headers', headers, true);
      insert into api.gate_log values ('settled');
      return 1;
    end $$;
    create function api.kill() returns void language sql security definer as 'select pg_terminate_backend(pg_backend_pid())';
    grant select, insert, update, delete on all tables in schema api to anon, clerk;
    revoke all on api.closed from anon, clerk`);
});
after(() => server?.drop());

const isText = (value) => typeof value === 'string' && value !== '';
const json = { 'Content-Type': 'application/json' };

// What holds for every error; details and hint: null, true for any text, or a pattern.
function check(answer, code, status, { message, details = null, hint = null } = {}) {
  assert.equal(answer.body.code, code, answer.text);
  assert.equal(answer.status, status, answer.text);
  assert.deepEqual(Object.keys(answer.body).sort(), ['code', 'details', 'hint', 'message']);
  assert.ok(isText(answer.body.message));
  if (message) assert.match(answer.body.message, message);
  for (const [field, wanted] of Object.entries({ details, hint })) {
    const got = answer.body[field];
    if (wanted === null) assert.equal(got, null, field);
    else if (wanted === true) assert.ok(isText(got) || Array.isArray(got), `${field}: ${got}`);
    else if (wanted instanceof RegExp) assert.match(got, wanted);
    else assert.deepEqual(got, wanted);
  }
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(answer.headers.get('content-length'), String(Buffer.byteLength(answer.text)));
  assert.equal(answer.headers.get('proxy-status'), `pgrest; error=${code}`);
  for (const name of ['vary', 'content-range', 'preference-applied', 'content-profile', 'location']) assert.equal(answer.headers.get(name), null, name);
}

const strict = (more) => ({ Prefer: `handling=strict, ${more}` });
const own = [
  ['PGRST100', 'a filter', 400, 'GET', '/venues?id=nonsense', {}, { details: true }],
  ['PGRST100', 'a logic tree', 400, 'GET', '/venues?or=(id.eq.1', {}, { details: true }],
  ['PGRST100', 'an order', 400, 'GET', '/venues?order=id.up', {}, { details: true }],
  ['PGRST100', 'a select', 400, 'GET', '/venues?select=id,', {}, { details: true }],
  ['PGRST100', 'arguments in the query of a POST', 400, 'POST', '/rpc/add?a=1', { body: {} }, { details: true }],
  ['PGRST101', 'a method', 405, 'PATCH', '/rpc/add', { body: {} }, { message: /PATCH/ }],
  ['PGRST102', 'malformed JSON', 400, 'POST', '/venues', { body: '{"id": ', headers: json }],
  ['PGRST102', 'before the table is looked up', 400, 'POST', '/nothing', { body: '', headers: json }],
  ['PGRST102', 'differing keys', 400, 'POST', '/venues', { body: [{ id: 1 }, { name: 'x' }] }, { message: /key/ }],
  ['PGRST102', 'an unknown type', 400, 'POST', '/venues', { body: 'x', headers: { 'Content-Type': 'image/png' } }, { message: /image\/png/ }],
  ['PGRST102', 'an uneven CSV', 400, 'POST', '/venues', { body: 'id,name\n1', headers: { 'Content-Type': 'text/csv' } }],
  ['PGRST103', 'a negative limit', 416, 'GET', '/venues?limit=-1', {}, { details: true }],
  ['PGRST103', 'a reversed range', 416, 'GET', '/venues', { headers: { Range: '5-1' } }, { details: true }],
  ['PGRST105', 'a PUT by another column', 405, 'PUT', '/venues?name=eq.x', { body: { id: 1, name: 'x' } }],
  ['PGRST105', 'a PUT without a key', 405, 'PUT', '/gate_log?what=eq.x', { body: { what: 'x' } }],
  ['PGRST106', 'a schema to read', 406, 'GET', '/venues', { headers: { 'Accept-Profile': 'archive' } }, { message: /archive/, hint: /api/ }],
  ['PGRST106', 'a schema to write', 406, 'POST', '/venues', { body: {}, headers: { 'Content-Profile': 'archive' } }, { message: /archive/, hint: /api/ }],
  ['PGRST107', 'a media type', 406, 'GET', '/venues', { headers: { Accept: 'image/png' } }, { message: /image\/png/ }],
  ['PGRST107', 'plans that are off', 406, 'GET', '/venues', { headers: { Accept: 'application/vnd.pgrst.plan+json' } }],
  ['PGRST108', 'a filter on what is not embedded', 400, 'GET', '/venues?stages.id=eq.1', {}, { hint: true }],
  ['PGRST111', 'response.headers', 500, 'POST', '/rpc/settle', { body: { status: '', headers: '{}' } }],
  ['PGRST112', 'response.status', 500, 'POST', '/rpc/settle', { body: { status: 'x', headers: '' } }],
  ['PGRST114', 'PUT with a limit', 400, 'PUT', '/venues?id=eq.1&limit=1', { body: { id: 1, name: 'x' } }],
  ['PGRST115', 'PUT of another key', 400, 'PUT', '/venues?id=eq.1', { body: { id: 2, name: 'x' } }],
  ['PGRST116', 'no row for an object', 406, 'GET', '/venues?id=eq.99', { headers: { Accept: 'application/vnd.pgrst.object+json' } }, { details: /^The result contains 0 rows$/ }],
  ['PGRST116', 'many rows for an object', 406, 'GET', '/venues', { headers: { Accept: 'application/vnd.pgrst.object+json' } }, { details: /^The result contains 3 rows$/ }],
  ['PGRST117', 'an unknown method', 405, 'PURGE', '/venues', {}, { message: /PURGE/ }],
  ['PGRST117', 'a write to the root', 405, 'POST', '/', { body: {} }],
  ['PGRST118', 'order by a to-many embedding', 400, 'GET', '/venues?select=stages(id)&order=stages(id)', {}, { message: /stages/, details: true }],
  ['PGRST121', 'MESSAGE that does not fit', 500, 'POST', '/rpc/raise', { body: { state: 'PGRST', says: 'no JSON' } }, { details: /no JSON/, hint: true }],
  ['PGRST121', 'DETAIL that does not fit', 500, 'POST', '/rpc/raise', { body: { state: 'PGRST', says: '{"code":"X","message":"y"}', detail: '[]' } }, { details: true, hint: true }],
  ['PGRST122', 'unknown preferences', 400, 'GET', '/venues', { headers: strict('a=b, count=exact, c') }, { details: /a=b, c$/ }],
  ['PGRST123', 'aggregates that are off', 400, 'GET', '/venues?select=count()', {}],
  ['PGRST124', 'more rows than allowed', 400, 'DELETE', '/shuttles', { headers: strict('max-affected=0') }, { details: /1/ }],
  ['PGRST125', 'a path', 404, 'GET', '/venues/1', {}],
  ['PGRST128', 'max-affected on a single value', 400, 'POST', '/rpc/add', { body: { a: 1, b: 2 }, headers: strict('max-affected=1') }],
  ['PGRST200', 'no relationship', 400, 'GET', '/venues?select=genres(id)', {}, { message: /venues.*genres/, details: true }],
  ['PGRST200', 'and one of a similar name', 400, 'GET', '/venues?select=stage(id)', {}, { details: true, hint: /stages/ }],
  ['PGRST201', 'several relationships', 300, 'GET', '/shuttles?select=venues(name)', {}, { details: true, hint: /venues!departs/ }],
  ['PGRST202', 'no function', 404, 'POST', '/rpc/nothing_like_it', { body: { b: 1, a: 2 } }, { message: /nothing_like_it/, details: true }],
  ['PGRST202', 'and one of a similar name', 404, 'GET', '/rpc/raisee?state=x', {}, { details: true, hint: /raise/ }],
  ['PGRST202', 'other arguments', 404, 'GET', '/rpc/add?a=1&c=2', {}, { details: true, hint: /a, b/ }],
  ['PGRST203', 'overloads that differ in types', 300, 'GET', '/rpc/twice?n=1', {}, { message: /integer.*text|text.*integer/s, hint: true }],
  ['PGRST203', 'overloads that differ in a default', 300, 'POST', '/rpc/pick', { body: { a: 1 } }, { hint: true }],
  ['PGRST204', 'a column of the body', 400, 'POST', '/venues', { body: { id: 5, nothing: 1 } }, { message: /venues.*nothing/ }],
  ['PGRST204', 'a column of columns=', 400, 'PATCH', '/venues?columns=nothing', { body: {} }, { message: /venues.*nothing/ }],
  ['PGRST205', 'no table', 404, 'GET', '/nothing_like_it', {}, { message: /api\.nothing_like_it/ }],
  ['PGRST205', 'and one of a similar name', 404, 'GET', '/venue', {}, { message: /api\.venue/, hint: /venues/ }],
];
for (const [code, what, status, method, path, options, fields] of own) {
  test(`${code} ${what}`, async () => check(await server.send(method, path, options), code, status, fields));
}

test('PGRST103 an offset beyond the count: the headers of a normal answer', async () => {
  const answer = await server.get('/venues?offset=9', { headers: { Prefer: 'count=exact' } });
  assert.deepEqual([answer.status, answer.body.code], [416, 'PGRST103']);
  assert.match(answer.body.details, /9.*3/);
  assert.equal(answer.headers.get('content-range'), '*/3');
  assert.equal(answer.headers.get('proxy-status'), null);
});

test('PGRST111 and PGRST112 come after the commit, PGRST116 and PGRST124 before it', async () => {
  await server.sql('truncate api.gate_log');
  await server.post('/rpc/settle', { status: 'x', headers: '' });
  assert.equal(await server.sql('select count(*) from api.gate_log'), '1');
  const two = [{ what: 'a' }, { what: 'b' }];
  assert.equal((await server.post('/gate_log', two, { headers: { Accept: 'application/vnd.pgrst.object+json' } })).body.code, 'PGRST116');
  assert.equal((await server.send('DELETE', '/gate_log', { headers: strict('max-affected=0') })).body.code, 'PGRST124');
  assert.equal(await server.sql('select count(*) from api.gate_log'), '1');
});

test('PGRST127 an aggregate in a to-many spread', async () => {
  server.reload({ 'pgrest.db_aggregates_enabled': 'on' });
  await until('aggregates', async () => (await server.get('/venues?select=count()')).status === 200);
  check(await server.get('/venues?select=id,...stages(id.count())'), 'PGRST127', 400, { details: true });
  server.reload({ 'pgrest.db_aggregates_enabled': 'off' });
});

test('PGRST201 describes each relationship', async () => {
  const { body } = await server.get('/shuttles?select=venues(name)');
  assert.deepEqual(body.details, [
    { cardinality: 'many-to-one', embedding: 'shuttles with venues', relationship: 'arrives using shuttles(to_venue) and venues(id)' },
    { cardinality: 'many-to-one', embedding: 'shuttles with venues', relationship: 'departs using shuttles(from_venue) and venues(id)' },
  ]);
});

// --- tokens --------------------------------------------------------------------------------------------------

const bearer = (text) => ({ headers: { Authorization: `Bearer ${text}` } });
const now = () => Math.floor(Date.now() / 1000);
for (const [code, what, credentials] of [
  ['PGRST301', 'an empty token', () => bearer('')],
  ['PGRST301', 'too few parts', () => bearer('a.b')],
  ['PGRST301', 'no base64url', () => bearer('a=.b.c')],
  ['PGRST301', 'a wrong signature', () => bearer(token({ role: 'clerk' }, 'another secret of sufficient length'))],
  ['PGRST301', 'alg none', () => bearer(`${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`)],
  ['PGRST303', 'no object', () => bearer(token([1]))],
  ['PGRST303', 'exp', () => bearer(token({ role: 'clerk', exp: now() - 60 }))],
  ['PGRST303', 'nbf', () => bearer(token({ role: 'clerk', nbf: now() + 600 }))],
  ['PGRST303', 'iat', () => bearer(token({ role: 'clerk', iat: now() + 600 }))],
  ['PGRST303', 'exp of a wrong type', () => bearer(token({ role: 'clerk', exp: 'soon' }))],
  ['PGRST303', 'aud of a wrong type', () => bearer(token({ role: 'clerk', aud: 5 }))],
]) {
  test(`${code} ${what}`, async () => {
    const answer = await server.get('/venues', credentials());
    const details = answer.body.details === null ? null : true; // filled for faults of keys only
    check(answer, code, 401, { details });
    const quoted = answer.body.message.replaceAll(/["\\]/g, '\\$&');
    assert.equal(answer.headers.get('www-authenticate'), `Bearer error="invalid_token", error_description="${quoted}"`);
  });
}

test('a token is judged before the path, the method and the query', async () => {
  for (const [method, path] of [['GET', '/a/b'], ['PURGE', '/venues'], ['GET', '/venues?id=x'], ['OPTIONS', '/venues']])
    assert.equal((await server.send(method, path, bearer('x'))).body.code, 'PGRST301', `${method} ${path}`);
});

test('an audience that was not meant', async () => {
  server.reload({ 'pgrest.jwt_aud': 'festival' });
  await until('the audience', async () => (await server.get('/venues', { claims: { aud: 'other' } })).status === 401);
  check(await server.get('/venues', { claims: { aud: ['other'] } }), 'PGRST303', 401);
  assert.equal((await server.get('/venues', { claims: { aud: ['other', 'festival'] } })).status, 200);
  server.reload({ 'pgrest.jwt_aud': '' });
});

test('PGRST300 a token without a secret', async () => {
  server.reload({ 'pgrest.jwt_secret': '' });
  await until('the lack of a secret', async () => (await server.get('/venues', bearer('x'))).status === 500);
  const answer = await server.get('/venues', bearer('x'));
  check(answer, 'PGRST300', 500);
  assert.equal(answer.headers.get('www-authenticate'), null);
  assert.equal((await server.get('/venues')).status, 200);
  server.reload({ 'pgrest.jwt_secret': 'a secret of the tests over HTTP, 32 bytes or more' });
  await until('the secret', async () => (await server.get('/venues', { claims: { role: 'clerk' } })).status === 200);
});

test('PGRST302 no role and no anonymous role', async () => {
  server.reload({ 'pgrest.db_anon_role': '' });
  await until('the lack of a role', async () => (await server.get('/venues')).status === 401);
  const answer = await server.get('/venues');
  check(answer, 'PGRST302', 401);
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  assert.equal((await server.get('/venues', { claims: { role: 'anon' } })).status, 200);
  server.reload({ 'pgrest.db_anon_role': 'anon' });
  await until('the role', async () => (await server.get('/venues')).status === 200);
});

// --- PostgreSQL's errors -------------------------------------------------------------------------------------

const raised = (state) => ['POST', '/rpc/raise', { body: { state, says: 'said', detail: 'd', hint: 'h' } }];
const texts = { message: /^said$/, details: 'd', hint: 'h' };
for (const [state, status] of [
  ['08006', 503], ['09000', 500], ['0L000', 403], ['0P000', 403], ['21000', 500], ['22023', 400], ['23503', 409], ['23505', 409],
  ['23514', 400], ['25000', 500], ['28000', 403], ['28P01', 403], ['2D000', 500], ['38000', 500], ['39000', 500], ['3B000', 500],
  ['40001', 500], ['42501', 401], ['42703', 400], ['42883', 404], ['42P01', 404], ['42P17', 500], ['53100', 503], ['53400', 500], ['54000', 500],
  ['55000', 500], ['57014', 500], ['57P01', 503], ['58000', 500], ['F0000', 500], ['HV000', 500], ['P0001', 400], ['P0002', 500],
  ['XX000', 500], ['0A000', 400], ['99999', 400], ['PT402', 402], ['PT418', 418], ['PT4X2', 500], ['PT401', 401],
]) {
  test(`SQLSTATE ${state} is ${status}`, async () => {
    const answer = await server.send(...raised(state));
    check(answer, state, status, texts);
    assert.equal(answer.headers.get('www-authenticate'), status === 401 ? 'Bearer' : null);
    assert.equal(answer.headers.get('retry-after') !== null, status === 503);
  });
}

test('42501 is 403 with a role of a token', async () => {
  const [method, path, options] = raised('42501');
  check(await server.send(method, path, { ...options, claims: { role: 'clerk' } }), '42501', 403, texts);
});

test('messages that decide', async () => {
  const post = (state, says) => server.post('/rpc/raise', { state, says });
  assert.equal((await post('22023', 'role "x" does not exist')).status, 401);
  assert.equal((await post('21000', 'UPDATE requires a WHERE clause')).status, 400);
  assert.equal((await post('42883', 'function xmlagg(integer) does not exist')).status, 406);
});

test('SQLSTATE PGRST: the whole answer', async () => {
  const answer = await server.post('/rpc/raise', {
    state: 'PGRST',
    says: '{"code": "HB-7", "message": "Fee due", "hint": "pay"}',
    detail: '{"status": 402, "headers": {"X-Fee": "12", "Cache-Control": "no-store"}}',
  });
  assert.equal(answer.status, 402);
  assert.deepEqual(answer.body, { code: 'HB-7', message: 'Fee due', details: null, hint: 'pay' });
  assert.equal(answer.headers.get('x-fee'), '12');
  assert.equal(answer.headers.get('proxy-status'), 'pgrest; error=HB-7');
});

for (const [state, status, what, method, path, options, fields = {}] of [
  ['42703', 400, 'a column', 'GET', '/venues?select=nothing', {}, { message: /venues\.nothing/ }],
  ['42883', 404, 'an operator', 'GET', '/venues?id=like.1', {}, { hint: true }],
  ['42804', 400, 'a boolean test', 'GET', '/venues?id=is.true', {}],
  ['22P02', 400, 'a value', 'GET', '/venues?id=eq.x', {}, { message: /integer/ }],
  ['22003', 400, 'a number out of range', 'GET', '/venues?id=eq.99999999999', {}],
  ['22007', 400, 'a date', 'GET', '/performances?day=eq.tomorrowish', {}],
  ['22008', 400, 'a date out of range', 'GET', '/performances?day=eq.2030-02-31', {}, null],
  ['2201B', 400, 'a regular expression', 'GET', '/venues?name=match.(', {}],
  ['42704', 400, 'a type', 'GET', '/venues?select=id::nothing', {}],
  ['42601', 400, 'a cast that is no SQL', 'GET', '/venues?select=id::select', {}],
  ['22023', 400, 'a time zone', 'GET', '/venues', { headers: { Prefer: 'timezone=Moon/Base' } }],
  ['2201W', 400, 'the limit of an embedding', 'GET', '/venues?select=stages(id)&stages.limit=-1', {}],
  ['2201X', 400, 'the offset of an embedding', 'GET', '/venues?select=stages(id)&stages.offset=-1', {}],
  ['42712', 400, 'two embeddings of one name', 'GET', '/shuttles?select=venues!departs(name),venues!arrives(name)', {}],
  ['42803', 400, 'two to-many embeddings of one name', 'GET', '/venues?select=stages(id),stages(name)', {}, null],
  ['42P17', 500, 'a policy that needs itself', 'GET', '/looping', {}],
  ['21000', 500, 'a subquery with many rows', 'GET', '/many', {}],
  ['42501', 401, 'no privilege', 'GET', '/closed', {}, null],
  ['42501', 403, 'no privilege with a token', 'GET', '/closed', { claims: { role: 'clerk' } }, null],
  ['42501', 403, 'a role that was not granted', 'GET', '/venues', { claims: { role: 'postgres' } }, null],
  ['22023', 401, 'a role that does not exist', 'GET', '/venues', { claims: { role: 'CLERK' } }, null],
  ['25006', 405, 'a write while reading', 'GET', '/rpc/insert_while_reading', {}],
  ['23502', 400, 'a missing value', 'POST', '/venues', { body: { id: 70 } }, { details: true }],
  ['23505', 409, 'a duplicate', 'POST', '/venues', { body: { id: 1, name: 'x' } }, { details: true }],
  ['23503', 409, 'a missing parent', 'POST', '/stages', { body: { id: 70, name: 'x', venue_id: 99 } }, { details: true }],
  ['23514', 400, 'a check', 'PATCH', '/artists?id=eq.1', { body: { fee: -1 } }, { details: true }],
  ['22001', 400, 'a text that is too long', 'POST', '/ages', { body: { id: 1, n: 1, name: 'abcd' } }],
  ['428C9', 400, 'an identity', 'POST', '/ages', { body: { id: 1, n: 1, kind: 1 } }, { details: true, hint: true }],
  ['22P05', 400, 'a zero byte', 'POST', '/venues', { body: '{"id": 71, "name": "a\\u0000"}', headers: json }, { details: true }],
  ['22021', 400, 'bytes that are no UTF-8, past the parser', 'POST', '/venues?columns=id', { body: Buffer.from([0x7b, 0xff]), headers: json }],
  ['42P10', 400, 'on_conflict without a constraint', 'POST', '/pairs?on_conflict=b', { body: { a: 1, b: 1 }, headers: { Prefer: 'resolution=merge-duplicates' } }],
  ['21000', 500, 'the same row twice in an upsert', 'POST', '/venues', { body: [{ id: 80, name: 'a' }, { id: 80, name: 'b' }], headers: { Prefer: 'resolution=merge-duplicates' } }, { hint: true }],
  ['44000', 400, 'a row outside of the view', 'POST', '/castle', { body: { id: 72, name: 'x', city: 'Kiel' } }, { details: true }],
  ['55000', 500, 'a view that cannot be changed', 'POST', '/cities', { body: { city: 'x' } }, { details: true, hint: true }],
  ['42809', 400, 'a materialized view', 'PATCH', '/frozen?id=eq.1', { body: { name: 'x' } }],
]) {
  test(`${state} ${what}`, async () => {
    const answer = await server.send(method, path, options);
    check(answer, state, status, fields ?? { details: answer.body.details === null ? null : true, hint: answer.body.hint === null ? null : true });
  });
}

// --- forms ---------------------------------------------------------------------------------------------------

test('an error to HEAD has the headers of the error to GET and no body', async () => {
  for (const path of ['/nothing', '/venues?id=eq.x', '/venues?id=x']) {
    const get = await server.get(path);
    const head = await server.send('HEAD', path);
    assert.equal(head.status, get.status);
    assert.equal(head.text, '');
    for (const name of ['content-type', 'content-length', 'proxy-status']) assert.equal(head.headers.get(name), get.headers.get(name), name);
  }
});

test('minimal errors have two fields', async () => {
  server.reload({ 'pgrest.client_error_verbosity': 'minimal' });
  await until('short errors', async () => !('hint' in (await server.get('/venue')).body));
  for (const path of ['/venue', '/venues?id=x', '/venues?id=like.1', '/a/b', '/shuttles?select=venues(id)', '/venues?limit=-1'])
    assert.deepEqual(Object.keys((await server.get(path)).body).sort(), ['code', 'message'], path);
  assert.deepEqual(Object.keys((await server.get('/venues', bearer('x'))).body).sort(), ['code', 'message']);
  server.reload({ 'pgrest.client_error_verbosity': 'verbose' });
  await until('long errors', async () => 'hint' in (await server.get('/venue')).body);
});

test('PGRST126 the root is off', async () => {
  server.reload({ 'pgrest.openapi_mode': 'disabled' });
  await until('the root to be off', async () => (await server.get('/')).status === 404);
  for (const method of ['GET', 'POST', 'OPTIONS']) check(await server.send(method, '/'), 'PGRST126', 404);
  server.reload({ 'pgrest.openapi_mode': 'follow-privileges' });
});

// --- no executor ---------------------------------------------------------------------------------------------

test('57P01 an executor that is terminated', async () => {
  const answer = await server.post('/rpc/kill', {});
  assert.deepEqual([answer.status, answer.body.code], [503, '57P01']);
  assert.ok(answer.headers.get('retry-after'));
  await until('another executor', async () => (await server.get('/venues')).status === 200);
});

test('PGRST003 no executor in time', async () => {
  server.reload({ 'pgrest.db_pool_acquisition_timeout': '1s' });
  await sleep(200);
  const busy = [1, 2].map(() => server.get('/rpc/nap?seconds=4'));
  await until('both executors to be busy', async () =>
    (await server.sql(`select count(*) from pg_stat_activity where state = 'active' and query like '%nap%' and pid <> pg_backend_pid()`)) === '2');
  check(await server.get('/venues'), 'PGRST003', 504);
  await Promise.all(busy);
  server.reload({ 'pgrest.db_pool_acquisition_timeout': '10s' });
});

test('PGRST001 an executor that dies', async () => {
  const pids = () => server.sql(`select string_agg(pid::text, ' ') from pg_stat_activity where backend_type like 'pgrest%executor%' and state = 'active'`);
  const broken = server.get('/rpc/nap?seconds=60').catch((error) => error);
  await until('the query to run', async () => (await pids()) !== '');
  const before = server.log().length;
  process.kill(Number(await pids()), 'SIGKILL');
  await broken; // a crash ends every process of PostgreSQL, the listener too
  await until('the crash to be noticed', () => server.log().slice(before).includes('was terminated by signal 9'));
  await server.ready();
  assert.equal((await server.get('/venues')).status, 200);
});

test('PGRST002 a schema is gone', async () => {
  await server.sql('alter schema api rename to hidden');
  await until('503', async () => (await server.get('/venues')).status === 503);
  const answer = await server.get('/venues');
  check(answer, 'PGRST002', 503);
  assert.ok(answer.headers.get('retry-after'));
  await server.sql('alter schema hidden rename to api');
  await until('the schema', async () => (await server.get('/venues')).status === 200);
});

test('PGRST000 no database', async () => {
  server.reload({ 'pgrest.database': 'nowhere' });
  await until('the log', () => server.log().includes('database "nowhere" does not exist'));
  assert.equal((await server.get('/venues')).status, 200, 'the executors that are there are not given up for it');
  await server.restart();
  await until('PGRST000', async () => {
    const answer = await server.get('/venues').catch(() => null);
    return answer?.body.code === 'PGRST000';
  });
  const answer = await server.get('/venues');
  check(answer, 'PGRST000', 503, { details: /nowhere/ });
  assert.match(answer.headers.get('retry-after'), /^\d+$/);
});
