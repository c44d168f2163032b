// Relations with odd names, types and shapes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.db_aggregates_enabled': 'on' });
  await server.sql(`
    create table api.boxes (id int primary key, area box, names text[]);
    insert into api.boxes values (1, '(1,1),(0,0)'), (2, '(2,2),(0,0)'), (3, '(3,3),(0,0)'), (4, null);
    create domain api.plot as box;
    create table api.plots (id int primary key, area api.plot);
    insert into api.plots select id, area from api.boxes;
    create function api.spot(api.boxes) returns box stable language sql as 'select $1.area';
    create function api.areas() returns table (n int, place box) stable language sql as 'select id, area from api.boxes';
    create function api.count_boxes(variadic boxes box[]) returns int immutable language sql as 'select cardinality(boxes)';

    create domain public.größe as numeric(6, 1);
    create type public."señal$2" as enum ('an', 'aus');
    create domain public."尺寸" as int;
    create table api.casts (id int primary key, v text);
    insert into api.casts values (1, '2.34'), (2, 'an'), (3, '7');

    create table api.nothing ();
    create table api.dropped (a int, b int);
    alter table api.dropped drop column a, drop column b;
    create function api.size(api.nothing) returns int immutable language sql as 'select 0';

    create table api.count (id int primary key, name text);
    create table api.stages (id int primary key, count_id int references api.count);
    insert into api.count values (1, 'one');
    insert into api.stages values (1, 1), (2, 1);

    create table api."Food Stalls" (id int primary key);
    create table api."fête/été 100%?#" ("clé" text primary key);
    grant select, insert, update, delete on all tables in schema api to anon`);
});
after(() => server?.drop());

const ids = async (path) => {
  const { status, body, text } = await server.get(path);
  assert.equal(status, 200, text);
  return body.map(({ id }) => id);
};
const one = encodeURIComponent('"(1,1),(0,0)"');
const three = encodeURIComponent('"(3,3),(0,0)"');

test('in lists of types whose arrays have another delimiter than the comma', async () => {
  for (const table of ['boxes', 'plots']) {
    assert.deepEqual(await ids(`/${table}?select=id&area=in.(${one},${three})&order=id`), [1, 3], table);
    assert.deepEqual(await ids(`/${table}?select=id&area=in.(${one})`), [1], table);
    assert.deepEqual(await ids(`/${table}?select=id&area=not.in.(${one},${three})`), [2], table);
    assert.deepEqual(await ids(`/${table}?select=id&area=in.()`), [], table);
    assert.deepEqual(await ids(`/${table}?select=id&or=(area.in.(${one},${three}),id.in.(2,9))&order=id`), [1, 2, 3], table);
    assert.equal((await server.get(`/${table}?area=in.(${one},x)`)).body.code, '22P02');
  }
  assert.deepEqual(await ids(`/boxes?select=id&spot=in.(${one},${three})&order=id`), [1, 3]);
  // by what the parser finds, not by what the catalog of relations knows
  assert.deepEqual((await server.get(`/rpc/areas?select=n&place=in.(${one},${three})&order=n`)).body, [{ n: 1 }, { n: 3 }]);
  assert.equal((await server.get(`/rpc/count_boxes?boxes=(1,1),(0,0)&boxes=(3,3),(0,0)`)).body, 2);
  // commas, quotes and backslashes belong to the elements
  await server.sql(String.raw`insert into api.casts values (10, 'a,b'), (11, 'a"b'), (12, 'a\b'), (13, '",";\')`);
  const list = ['a,b', 'a"b', 'a\\b', '",";\\'].map((v) => `"${v.replace(/["\\]/g, '\\$&')}"`).join(',');
  assert.deepEqual(await ids(`/casts?select=id&v=in.(${encodeURIComponent(list)})&order=id`), [10, 11, 12, 13]);
});

test('casts to types whose names have letters beyond ASCII', async () => {
  const cast = async (id, type) => (await server.get(`/casts?id=eq.${id}&select=v::${encodeURIComponent(type)}`)).body;
  assert.deepEqual(await cast(1, 'größe'), [{ v: 2.3 }]);
  assert.deepEqual(await cast(2, 'señal$2'), [{ v: 'an' }]);
  assert.deepEqual(await cast(3, '尺寸'), [{ v: 7 }]);
  assert.deepEqual((await server.get(`/casts?select=n:v::${encodeURIComponent('尺寸')}.sum()&id=eq.3`)).body.code, undefined);
  assert.equal((await cast(1, 'grösse')).code, '42704');
  for (const type of ['größe(1)', 'größe[]', 'größe;', '“größe”', 'größe\u00a0x', '🎸', '$größe', 'ö"'])
    assert.equal((await cast(1, type)).code, 'PGRST100', type);
});

test('tables without columns are written and read', async () => {
  for (const table of ['nothing', 'dropped']) {
    const represented = (accept) => ({ headers: { Prefer: 'return=representation', ...(accept && { Accept: accept }) } });
    const outcome = async (answer) => [(await answer).status, (await answer).body];
    assert.deepEqual(await outcome(server.post(`/${table}`, {}, represented())), [201, [{}]], table);
    assert.deepEqual(await outcome(server.post(`/${table}`, [{}, {}], represented())), [201, [{}, {}]]);
    assert.deepEqual(await outcome(server.post(`/${table}`, {}, represented('application/vnd.pgrst.object+json'))), [201, {}]);
    assert.deepEqual(await outcome(server.post(`/${table}`, {}, { headers: { Prefer: 'return=headers-only' } })), [201, '']);
    assert.deepEqual(await outcome(server.post(`/${table}`, {})), [201, '']);
    assert.deepEqual(await outcome(server.get(`/${table}`)), [200, [{}, {}, {}, {}, {}, {}]]);
    assert.deepEqual(await outcome(server.send('PATCH', `/${table}`, { body: {}, ...represented() })), [200, []]);
    const counted = await server.send('DELETE', `/${table}`, { headers: { Prefer: 'return=representation, count=exact' } });
    assert.deepEqual([counted.status, counted.body.length, counted.headers.get('content-range')], [200, 6, '*/6']);
  }
  const computed = await server.post('/nothing?select=size', {}, { headers: { Prefer: 'return=representation' } });
  assert.deepEqual([computed.status, computed.body], [201, [{ size: 0 }]]);
  const starred = await server.post('/nothing?select=*,size', {}, { headers: { Prefer: 'return=representation' } });
  assert.deepEqual([starred.status, starred.body], [201, [{ size: 0 }]]);
});

test('count( is the aggregate, whatever tables there are', async () => {
  for (const select of ['id,count(name)', 'count(name)', 'c:count(name)', 'count!inner(name)', 'id,"count"(*)', 'count(*)', 'stages(count(name))'])
    assert.deepEqual((await server.get(`/stages?select=${encodeURIComponent(select)}`)).body.code, 'PGRST100', select);
  assert.deepEqual((await server.get('/stages?select=count()')).body, [{ count: 2 }]);
  assert.deepEqual((await server.get('/count?select=id,stages(id)')).body, [{ id: 1, stages: [{ id: 1 }, { id: 2 }] }]);
  assert.deepEqual((await server.get('/stages?select=id,...count(name)&order=id&limit=1')).body, [{ id: 1, name: 'one' }]);
});

test('Location and Content-Location percent-encode the path', async () => {
  const post = (path, body) => server.post(path, body, { headers: { Prefer: 'return=headers-only' } });
  assert.equal((await post('/Food%20Stalls', { id: 1 })).headers.get('location'), '/Food%20Stalls?id=eq.1');
  assert.equal((await server.get('/Food%20Stalls?id=eq.1')).headers.get('content-location'), '/Food%20Stalls?id=eq.1');
  const odd = `/${encodeURIComponent('fête/été 100%?#')}`;
  const { headers } = await post(odd, { clé: 'a/b' });
  assert.equal(headers.get('location'), `${odd}?cl%C3%A9=eq.a%2Fb`);
  assert.deepEqual((await server.get(headers.get('location'))).body, [{ clé: 'a/b' }]);
  assert.equal((await server.get(odd)).headers.get('content-location'), odd);
  assert.equal((await server.send('HEAD', odd)).headers.get('content-location'), odd);
});
