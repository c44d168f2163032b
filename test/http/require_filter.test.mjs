// pgrest.require_filter: DELETE and PATCH of all rows must be meant.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.require_filter': 'on' });
  await server.sql(`
    create table api.makers (id int primary key, name text);
    create table api.tools (id int primary key, name text, maker_id int references api.makers, notes jsonb);
    create table api.log ("line no" int, what text);
    create view api.names as select id, name from api.tools;
    create function api.label(api.tools) returns text stable language sql as 'select $1.name';
    create function api.clear() returns void language sql as 'delete from api.log';
    insert into api.makers values (1, 'm');
    insert into api.tools select n, 'tool ' || n, 1, '{"a": 1}' from generate_series(1, 5) n;
    insert into api.log values (1, 'x');
    grant select, insert, update, delete on all tables in schema api to anon`);
});
after(() => server?.drop());

const del = (path, headers = {}) => server.send('DELETE', path, { headers: { Prefer: 'tx=rollback', ...headers } });
const patch = (path, body = { name: 'same' }, headers = {}) => server.send('PATCH', path, { body, headers });
const all = () => server.sql('select count(*), count(distinct name) from api.tools');

// A piece without `=` is no filter, nor is what belongs to an embed, to the shape of the answer or to its order.
const UNFILTERED = [
  '',
  '?',
  '?id',
  '?eq.x',
  '?id.eq.1',
  '?&&',
  '?and',
  '?select=id',
  '?select=id,makers(name)&makers.name=eq.m',
  '?select=id,makers!inner(name)&makers.or=(name.eq.m,id.eq.1)',
  '?select=*,makers(*)&makers.id=gt.0&makers.limit=1',
  '?limit=1',
  '?limit=1&offset=1&order=id',
  '?order=id',
  '?columns=name',
  '?on_conflict=id',
];

for (const query of UNFILTERED) {
  test(`refused: ${query || 'no query'}`, async () => {
    for (const [method, answer] of [['DELETE', await del(`/tools${query}`)], ['PATCH', await patch(`/tools${query}`)]]) {
      assert.equal(answer.status, 400, `${method} ${answer.text}`);
      assert.equal(answer.body.code, '21000');
      assert.match(answer.body.message, new RegExp(`^${method} of 'tools' .* requires a WHERE clause$`));
      assert.match(answer.body.details, /pgrest\.require_filter/);
      assert.match(answer.body.hint, /id=not\.is\.null/);
    }
    assert.equal(await all(), '5|5');
  });
}

test('refused for every kind of relation, body and representation', async () => {
  assert.equal((await del('/names')).status, 400);
  assert.match((await del('/log')).body.hint, /line no=not\.is\.null/);
  for (const body of [{}, [], [{ name: 'x' }]]) assert.equal((await patch('/tools', body)).body.code, '21000');
  assert.equal((await patch('/tools', 'name\nx\n', { 'Content-Type': 'text/csv' })).body.code, '21000');
  assert.equal((await del('/tools', { Prefer: 'return=representation' })).body.code, '21000');
  assert.equal((await del('/tools', { Range: '0-0' })).body.code, '21000');
  assert.equal((await del('/tools', { Prefer: 'handling=strict, max-affected=1' })).body.code, '21000');
  assert.equal(await all(), '5|5');
});

test('what is wrong with the request otherwise is said first', async () => {
  assert.equal((await del('/nothing')).body.code, 'PGRST205');
  assert.equal((await del('/tools?and=()')).body.code, 'PGRST100');
  assert.equal((await del('/tools?or=()')).body.code, 'PGRST100');
  assert.equal((await del('/tools?limit=-1')).body.code, 'PGRST103');
  assert.equal((await patch('/tools', '{')).body.code, 'PGRST102');
  assert.equal((await server.send('PATCH', '/rpc/clear', { body: {} })).body.code, 'PGRST101');
  assert.equal((await server.send('DELETE', '/rpc/clear')).body.code, 'PGRST101');
});

test('filters of the rows pass, also those that are always true', async () => {
  for (const query of ['id=not.is.null', 'id=eq.99', 'and=(id.gt.100)', 'or=(id.eq.98,id.eq.99)', 'not.and=(id.gt.0)', 'label=eq.x', 'notes->>a=eq.9', '"id"=eq.99'])
    for (const answer of [await del(`/tools?${query}&name=eq.nobody`), await patch(`/tools?${query}&name=eq.nobody`), await patch(`/tools?and=(name.eq.nobody,or(${'id.gt.0'}))`)])
      assert.equal(answer.status, 204, answer.text);
  assert.equal(await all(), '5|5');
  assert.equal((await patch('/tools?id=not.is.null', { notes: null })).status, 204);
  assert.equal(await server.sql('select count(*) from api.tools where notes is null'), '5');
  assert.equal((await del('/log?what=not.is.null')).status, 204);
});

test('inserts, upserts, PUT, functions and reads need none', async () => {
  assert.equal((await server.post('/log', { what: 'y' })).status, 201);
  assert.equal((await server.post('/tools', { id: 1, name: 'tool 1' }, { headers: { Prefer: 'resolution=merge-duplicates' } })).status, 200);
  assert.equal((await server.send('PUT', '/tools?id=eq.1', { body: { id: 1, name: 'tool 1' } })).status, 204);
  assert.equal((await server.send('PUT', '/tools', { body: { id: 1, name: 'tool 1' } })).body.code, 'PGRST105');
  assert.equal((await server.post('/rpc/clear', {})).status, 204);
  assert.equal((await server.get('/tools')).status, 200);
});

test('off is the default, and the database may say on', async () => {
  const refused = async () => (await patch('/log')).body.code === '21000';
  server.reload({ 'pgrest.require_filter': 'off' });
  await until('it to be off', async () => !(await refused()));
  assert.equal((await patch('/log', { what: 'z' })).status, 204);
  await server.sql(`alter role authenticator set pgrst.require_filter = 'on'`);
  server.cluster('reload');
  await until('it to be on', refused);
  await server.sql('alter role authenticator reset pgrst.require_filter');
  server.cluster('reload');
  await until('it to be off again', async () => !(await refused()));
});
