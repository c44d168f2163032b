// CSV in both directions (RFC 4180).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start();
  await server.sql(`
    create table api.goods (id int primary key, name text, "a, b" text, "say ""x""" text, "two
lines" text, "back\\slash" text);
    create table api.log (line text);
    create view api.odd as select id, "a, b", "say ""x""", "two
lines", "back\\slash" from api.goods;
    create function api.odd() returns table ("x,y" text, "\\" text) language sql as $$ select 'a\\b', '\\' $$;
    create function api.count_args(a text default 'none', b text default 'none') returns text language sql as $$ select a || ',' || b $$;
    grant select, insert, update, delete on all tables in schema api to anon`);
});
after(() => server?.drop());

const csv = (method, path, body, headers = {}) => server.send(method, path, { body, headers: { 'Content-Type': 'text/csv', ...headers } });
const read = async (path, headers = {}) => (await server.get(path, { headers: { Accept: 'text/csv', ...headers } })).text;
const outcome = async (answer) => [(await answer).status, (await answer).body.code ?? (await answer).body];

test('a header without a line end is refused: a whole file without its line ends looks like that', async () => {
  for (const [method, path] of [['POST', '/goods'], ['PATCH', '/goods?id=eq.1'], ['PUT', '/goods?id=eq.1'], ['POST', '/rpc/count_args']])
    for (const body of ['id,name', 'id,name1,x2,y', '\ufeffid,name', '"id"'])
      assert.deepEqual(await outcome(csv(method, path, body)), [400, 'PGRST102'], `${method} ${path} ${body}`);
});

test('a header alone writes nothing, but its names must be columns', async () => {
  for (const body of ['id,name\n', 'id,name\r\n', '\n', '\ufeffid\n\n']) {
    assert.deepEqual(await outcome(csv('POST', '/goods', body, { Prefer: 'return=representation' })), [201, []], body);
    assert.deepEqual(await outcome(csv('PATCH', '/goods?id=gt.0', body, { Prefer: 'return=representation' })), [200, []], body);
  }
  for (const [method, path] of [['POST', '/goods'], ['PATCH', '/goods?id=eq.1'], ['PUT', '/goods?id=eq.1']])
    for (const body of ['id,nope\n', 'id,nope\n1,2\n', ' id\n', '""\n'])
      assert.deepEqual(await outcome(csv(method, path, body)), [400, 'PGRST204'], `${method} ${body}`);
  assert.deepEqual(await outcome(csv('POST', '/rpc/count_args', 'a,b\n')), [200, 'none,none']);
});

test('a byte-order mark at the beginning is skipped', async () => {
  assert.equal((await csv('POST', '/goods', '\ufeffid,name\n1,one\n')).status, 201);
  assert.equal((await csv('POST', '/goods', '\ufeff"id",name\r\n2,\ufefftwo')).status, 201);
  assert.deepEqual((await server.get('/goods?select=id,name&order=id')).body, [{ id: 1, name: 'one' }, { id: 2, name: '\ufefftwo' }]);
  assert.deepEqual(await outcome(csv('POST', '/rpc/count_args', '\ufeffa,b\n1,2\n')), [200, '1,2']);
  assert.deepEqual(await outcome(csv('POST', '/goods', '\ufeff')), [400, 'PGRST102']);
});

test('names in the header line are quoted when they must be', async () => {
  await server.sql(`delete from api.goods; insert into api.goods values (1, 'n', 'a', 'b', 'c', 'd')`);
  assert.equal(await read('/odd'), 'id,"a, b","say ""x""","two\nlines",back\\slash\n1,a,b,c,d');
  assert.equal(await read('/odd?select=one:id,"with,comma":"back\\\\slash"'), 'one,"with,comma"\n1,d');
  assert.equal(await read('/rpc/odd'), '"x,y",\\\n"a\\b","\\"');
  const written = await csv('POST', '/goods?select="a, b"', 'id,"a, b"\n7,x\n', { Accept: 'text/csv', Prefer: 'return=representation' });
  assert.equal(written.text, '"a, b",id\nx');
});

test('what comes out as CSV goes in again as it was', async () => {
  const values = ['plain', 'a\\b', '\\\\server\\share', '"quoted"', 'a,b', '(x)', ' blank ', 'two\nlines', 'cr\r\nlf', '', '\\', '{"a":"b\\\\c"}'];
  await server.sql('delete from api.goods');
  assert.equal((await server.post('/goods', values.map((name, id) => ({ id, name })))).status, 201);
  const text = await read('/goods?select=id,name&order=id');
  assert.match(text, /\n1,"a\\b"\n2,"\\\\server\\share"\n3,"""quoted"""\n/);
  await server.sql('delete from api.goods');
  assert.equal((await csv('POST', '/goods', text)).status, 201);
  assert.deepEqual((await server.get('/goods?select=name&order=id')).body.map(({ name }) => name), values);
});
