// What becomes of large bodies: rights are looked at first, memory is a small multiple of the bytes, and values are
// those that json_to_record would give.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pids } from './load.mjs';
import { forgetPeak, held, inMB, peak } from './peak.mjs';
import { SANITIZED, Server } from './server.mjs';

const MB = 1024 * 1024;
const JSON_TYPE = 'application/json';
const CSV = 'text/csv';
const FORM = 'application/x-www-form-urlencoded';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 4 });
  await server.sql(`
    create table api.norights (id int, created_by_user_identifier text);
    create table api.some_columns (id int, name text, secret text default 'kept');
    grant insert (id, name) on api.some_columns to anon;
    create table api.behind_view (id int, name text);
    create view api.shown as select * from api.behind_view;
    create view api.closed as select * from api.behind_view;
    create view api.invoked with (security_invoker = true) as select * from api.behind_view;
    grant insert on api.shown, api.invoked to anon;
    create table api.guarded (id int, owner text);
    grant insert, select on api.guarded to anon;
    alter table api.guarded enable row level security;
    create policy own on api.guarded with check (owner = 'anon');
    create function api.forbidden(a text) returns int language sql as 'select length(a)';
    create function api.forbidden_document(json) returns int language sql as 'select 1';
    revoke execute on function api.forbidden, api.forbidden_document from public;
    create function api.permitted(a text, b int default 0, c json default null) returns json stable language sql
      as 'select json_build_array(length(a), b, c)';
    create table api.plain (id int, created_by_user_identifier text);
    grant all on api.plain to anon;

    create domain api.short as text check (length(value) < 5);
    create domain api.wanted as int not null;
    create domain api.doc as json check (value is not null);
    create domain api.shade as text;
    create function api.shade_of(json) returns api.shade language sql immutable as $$ select ('#' || ($1 #>> '{}'))::api.shade $$;
    set client_min_messages = error;
    create cast (json as api.shade) with function api.shade_of as implicit;
    create type api.pair as (a int, b text);
    create table api.kinds (
      n serial, i int, num numeric(6,2), t text, v varchar(5), ch char(3), b boolean, d date, by bytea, j json, jb jsonb,
      ints int[], words text[], p api.pair, ps api.pair[], s api.short, w api.wanted default 7, doc api.doc default '{}', shade api.shade,
      r int4range, u uuid, iv interval, bits bit(3));
    grant all on api.kinds to anon;
    grant usage on sequence api.kinds_n_seq to anon;`);
  await server.ready();
});
after(() => server?.drop());

const repeated = (text, bytes) => text.repeat(Math.ceil(bytes / text.length));
const csv = (header, line, bytes) => `${header}\n${repeated(`${line}\n`, bytes)}`;
const list = (element, bytes) => `[${repeated(`${element},`, bytes)}${element}]`;
const send = (path, type, body, headers = {}) => server.send('POST', path, { body, headers: { 'Content-Type': type, ...headers } });

function isRefused(answer, message) {
  assert.equal(answer.status, 401, answer.text.slice(0, 300));
  assert.deepEqual([answer.body.code, answer.body.message], ['42501', message]);
}

test('what the role may not insert into is refused before the body is taken apart', { skip: SANITIZED }, async () => {
  const bodies = [
    [CSV, csv('created_by_user_identifier', '1', 8 * MB)],
    [JSON_TYPE, list('{"id":1}', 8 * MB)],
    [JSON_TYPE, `{"created_by_user_identifier":"${'x'.repeat(8 * MB)}"}`],
    [FORM, `created_by_user_identifier=${'x'.repeat(8 * MB)}`],
  ];
  for (const [type, body] of bodies) {
    const executors = await pids(server, 'executor');
    const before = executors.map(held);
    executors.forEach(forgetPeak);
    for (const answer of await Promise.all([1, 2, 3, 4].map(() => send('/norights', type, body))))
      isRefused(answer, 'permission denied for table norights');
    executors.forEach((pid, i) => {
      const taken = peak(pid) - before[i];
      assert.ok(taken < (type === FORM ? 2.2 : 1.2) * body.length + 6 * MB, `${inMB(taken)} MB for ${inMB(body.length)} MB of ${type}`);
    });
  }
});

test('as are functions that it may not call', { skip: SANITIZED }, async () => {
  const values = [
    ['/rpc/forbidden', JSON_TYPE, `{"a":"${'x'.repeat(8 * MB)}"}`, 'permission denied for function forbidden'],
    ['/rpc/forbidden', FORM, `a=${'x'.repeat(8 * MB)}`, 'permission denied for function forbidden'],
    ['/rpc/forbidden_document', JSON_TYPE, `{"a":${list('1', 8 * MB)}}`, 'permission denied for function forbidden_document'],
  ];
  for (const [path, type, body, message] of values) isRefused(await send(path, type, body), message);
});

test('the order of errors: body, names, rights, values', async () => {
  const long = 'x'.repeat(100000);
  assert.equal((await send('/norights', CSV, 'id\n"')).body.code, 'PGRST102');
  assert.equal((await send('/norights', JSON_TYPE, `[{"id":"${long}"`)).body.code, 'PGRST102');
  assert.equal((await send('/norights', JSON_TYPE, '[{"id":1},{}]')).body.code, 'PGRST102');
  assert.equal((await send('/norights', CSV, `nothing\n${long}\n`)).body.code, 'PGRST204');
  isRefused(await send('/norights', CSV, 'id\nno number\n'), 'permission denied for table norights');
  isRefused(await send('/norights', JSON_TYPE, `{"id":"${long}"}`), 'permission denied for table norights');
  isRefused(await send('/norights?columns=id', JSON_TYPE, '[{"id":'), 'permission denied for table norights');
  assert.equal((await send('/plain', CSV, 'id\nno number\n')).body.code, '22P02');
});

test('rights on columns, through views, and policies are those of PostgreSQL', async () => {
  const rows = (row, count = 5000) => JSON.stringify(Array(count).fill(row));
  assert.equal((await send('/some_columns', JSON_TYPE, rows({ id: 1, name: 'a' }))).status, 201);
  isRefused(await send('/some_columns', JSON_TYPE, rows({ id: 1, secret: 'a' })), 'permission denied for table some_columns');
  isRefused(
    await send('/some_columns', JSON_TYPE, rows({ id: 1 }), { Prefer: 'return=representation' }),
    'permission denied for table some_columns',
  );
  assert.equal((await send('/shown', JSON_TYPE, rows({ id: 1 }))).status, 201);
  isRefused(await send('/closed', JSON_TYPE, rows({ id: 1 })), 'permission denied for view closed');
  isRefused(await send('/invoked', JSON_TYPE, rows({ id: 1 })), 'permission denied for table behind_view');
  assert.equal((await send('/guarded', JSON_TYPE, rows({ id: 1, owner: 'anon' }))).status, 201);
  isRefused(
    await send('/guarded', JSON_TYPE, rows({ id: 1, owner: 'other' })),
    'new row violates row-level security policy for table "guarded"',
  );
  await server.sql('grant insert on api.norights to clerk');
  assert.equal((await server.post('/norights', [{ id: 1 }], { claims: { role: 'clerk' } })).status, 201);
});

test('a bulk insert takes at most four times the bytes of CSV and JSON arrays', { skip: SANITIZED }, async () => {
  const bodies = {
    'CSV of short lines': [CSV, csv('created_by_user_identifier', '1', 4 * MB)],
    'CSV of long lines': [CSV, csv('id,created_by_user_identifier', `1,${'x'.repeat(200)}`, 16 * MB)],
    'CSV of one field': [CSV, csv('created_by_user_identifier', 'x'.repeat(16 * MB), 1)],
    'CSV of one field with quotes': [CSV, csv('created_by_user_identifier', `"${repeated('x""y', 16 * MB)}"`, 1)],
    'an array of small objects': [JSON_TYPE, list('{"id":1}', 4 * MB)],
    'an array of large objects': [JSON_TYPE, list(`{"id":1,"created_by_user_identifier":"${'x'.repeat(200)}"}`, 16 * MB)],
    'an array of one object': [JSON_TYPE, list(`{"created_by_user_identifier":"${'x'.repeat(8 * MB)}"}`, 1)],
    'an array with escapes': [JSON_TYPE, list(`{"created_by_user_identifier":"${'\\n'.repeat(4 * MB)}"}`, 1)],
  };
  for (const [name, [type, body]] of Object.entries(bodies)) {
    const executors = await pids(server, 'executor');
    const before = executors.map(held);
    executors.forEach(forgetPeak);
    const answer = await send('/plain', type, body);
    assert.equal(answer.status, 201, answer.text);
    const taken = Math.max(...executors.map((pid, i) => peak(pid) - before[i]));
    // work_mem, and what any request takes
    assert.ok(taken < 4 * body.length + 8 * MB, `${name}: ${inMB(taken)} MB for ${inMB(body.length)} MB`);
    await server.sql('truncate api.plain');
  }
});

test('large arguments arrive as small ones do', async () => {
  const long = 'é"\\\n'.repeat(40000);
  for (const a of ['short', long]) {
    assert.deepEqual((await server.post('/rpc/permitted', { a })).body, [a.length, 0, null]);
    assert.deepEqual((await server.post('/rpc/permitted', { a, b: 5, c: { k: [1, a.slice(0, 9)] } })).body, [a.length, 5, { k: [1, a.slice(0, 9)] }]);
    assert.deepEqual((await server.post('/rpc/permitted', { a, b: '6', c: 'text "of" json' })).body, [a.length, 6, 'text "of" json']);
    assert.deepEqual((await server.post('/rpc/permitted', { a, b: null, c: null })).body, [a.length, null, null]);
    assert.deepEqual((await server.post('/rpc/permitted', [{ a }, { a: 1 }])).body, [a.length, 0, null]);
    assert.equal((await server.post('/rpc/permitted', { a, b: 'x' })).body.code, '22P02');
    assert.equal((await server.post('/rpc/permitted', { a, b: [1] })).body.code, '22P02');
    assert.equal((await server.post('/rpc/permitted', { a: `${a}\0` })).body.code, '22P05');
  }
});

// Each value as json_to_record converts it in the server, and as a row of the API has it.
const values = {
  i: [1, '2', -3, null, 10.5, 'x', true, 99999999999, [1], {}],
  num: [1.005, '2.5', 123456, 1e3, 'NaN', null],
  t: ['a "quoted" \\ text\n', '', 1.50, true, null, { a: [1, 'x'] }, [1, 2], 'é€😀'],
  v: ['abc', 'abcdef', 12],
  ch: ['a', 'abcd'],
  b: [true, 'yes', 'off', 1, 'maybe', null],
  d: ['2026-01-02', 'infinity', '2026-13-01', 5],
  by: ['\\x00ff', 'abc', '\\xzz'],
  j: [{ b: 1, a: [1, null] }, 'a string', 'with "quotes"', '{"a":1}', 1.50, true, null, []],
  jb: [{ b: 1, a: 2 }, 'a string', 'with "quotes"', 5, null, []],
  ints: [[1, 2, null], '{3,4}', [[1, 2], [3, 4]], [[1], [2, 3]], {}, 5, [], null],
  words: [['a', 'b,"c'], ['NULL', null, ''], '{x}'],
  p: [{ a: 1, b: 'x' }, { b: 'y', zzz: 1 }, '(5,z)', {}, [1], 'x', null, { a: 'no' }],
  ps: [[{ a: 1 }, { b: 'q' }], '{"(1,a)"}', [], [5]],
  s: ['abcd', 'abcde', null, 1234, 12345],
  w: [1, null, '5'],
  doc: [{ a: 1 }, 'text', null, 5],
  r: ['[1,5)', [1], null],
  u: ['c0ffee00-0000-4000-8000-000000000000', 'x'],
  iv: ['1 day', 5],
  bits: ['101', '1011', 1],
};

test('values are converted as json_to_record does', async (t) => {
  const types = Object.fromEntries(
    JSON.parse(await server.sql(`select json_agg(json_build_array(attname, format_type(atttypid, atttypmod)))
      from pg_attribute where attrelid = 'api.kinds'::regclass and attnum > 0`)),
  );
  const expected = async (column, document) => {
    const query = `select to_json(r.${column})::text from json_to_record($doc$${document}$doc$) as r(${column} ${types[column]})`;
    return server.value(query).then((text) => ({ text })).catch((error) => ({ code: JSON.parse(error.message).code }));
  };
  for (const [column, list] of Object.entries(values))
    await t.test(column, async () => {
      for (const value of list) {
        const document = JSON.stringify({ [column]: value });
        const wanted = await expected(column, document);
        for (const [type, body] of [[JSON_TYPE, document], [JSON_TYPE, `[${document}]`]]) {
          const answer = await send(`/kinds?select=${column}`, type, body, { Prefer: 'return=representation' });
          if (wanted.code) assert.equal(answer.body.code, wanted.code, `${document}: ${answer.text}`);
          else {
            assert.equal(answer.status, 201, `${document}: ${answer.text}`);
            assert.deepEqual(answer.body[0][column], JSON.parse(wanted.text), document);
          }
        }
        if (typeof value !== 'string') continue;
        for (const [type, body] of [[CSV, `${column}\n"${value.replaceAll('"', '""')}"\n`], [FORM, `${column}=${encodeURIComponent(value)}`]]) {
          const answer = await send(`/kinds?select=${column}`, type, body, { Prefer: 'return=representation' });
          if (wanted.code) assert.equal(answer.body.code, wanted.code, `${type} ${value}: ${answer.text}`);
          else if (value !== '') assert.deepEqual(answer.body[0][column], JSON.parse(wanted.text), `${type} ${value}`);
        }
      }
    });
  await t.test('a representation of a domain', async () => {
    const shade = async (type, body) => (await send('/kinds?select=shade::text', type, body, { Prefer: 'return=representation' })).body[0].shade;
    assert.equal(await shade(JSON_TYPE, '{"shade":"red"}'), '#red');
    assert.equal(await shade(JSON_TYPE, '[{"shade":5}]'), '#5');
    assert.equal(await shade(CSV, 'shade\nblue\n'), '#blue');
    assert.equal(await shade(FORM, 'shade=green'), '#green');
  });
});

test('defaults under each row of every kind of body', async () => {
  const written = async (type, body, query = '') =>
    (await send(`/kinds?select=w,i${query}`, type, body, { Prefer: 'return=representation, missing=default' })).body;
  assert.deepEqual(await written(JSON_TYPE, '[{"i":1},{"w":2}]', '&columns=i,w'), [{ w: 7, i: 1 }, { w: 2, i: null }]);
  assert.deepEqual(await written(JSON_TYPE, '{"i":1}', '&columns=i,w'), [{ w: 7, i: 1 }]);
  assert.deepEqual(await written(CSV, 'i,w\n1,2\n3,4\n'), [{ w: 2, i: 1 }, { w: 4, i: 3 }]);
  assert.deepEqual(await written(FORM, 'i=1&w=2'), [{ w: 2, i: 1 }]);
  assert.equal((await written(JSON_TYPE, '[{"i":1}', '&columns=i')).code, '22P02');
  assert.equal((await written(JSON_TYPE, '5', '&columns=i')).code, '22023');
});

test('rows beyond work_mem come back in their order', async () => {
  const rows = Array.from({ length: 60000 }, (_, id) => ({ id, created_by_user_identifier: `row number ${id} of sixty thousand rows, each of some length` }));
  const answer = await send('/plain?select=id', JSON_TYPE, JSON.stringify(rows), { Prefer: 'return=representation' });
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.body.map(({ id }) => id), rows.map(({ id }) => id));
});
