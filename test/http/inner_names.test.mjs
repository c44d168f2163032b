// Tables, columns and keys that have the names which statements give to things of their own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

const LONG = 'n'.repeat(63);
const LONG_COLUMN = 'c'.repeat(60);

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.db_aggregates_enabled': 'on' },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `set search_path = api;
       create table address (id int primary key, street text, address int, shipping_address_1 text);
       create table shipping (id int primary key, address_id int references address, shipping_address_1 text,
         address_1 int, shipping int, pgrst_rows text, pgrst_order_1 text, pgrst_1 int);
       insert into address values (1, 'main', 7, 'a'), (2, 'side', 8, null);
       insert into shipping values (10, 1, 'wrong', 2, 0, 'r', 'o', 5), (11, 2, null, 1, 0, 'r', 'o', 6), (12, null, 'x', 1, 0, 'r', 'o', 7);
       create function near(shipping) returns setof address rows 1 stable language sql as 'select * from api.address where id = $1.id - 9';
       create function address_of(address) returns setof shipping stable language sql as 'select * from api.shipping where address_id = $1.id';

       create table t_1 (id int primary key, t_1 int);
       create table t (id int primary key, up int references t_1, t int);
       insert into t_1 values (1, 5), (2, 6);
       insert into t values (1, 2, 0), (2, 2, 0), (3, 1, 0);

       create table ${LONG} (id int primary key, ${LONG_COLUMN}_1 text, ${LONG_COLUMN}_2 int references ${LONG});
       insert into ${LONG} values (1, 'one', null), (2, 'two', 1), (3, 'three', 2);

       create table b (id int primary key, b_1 int);
       create table b_1 (id int primary key, b_2 int);
       create table j_2 (b_id int references b, b_1_id int references b_1, primary key (b_id, b_1_id));
       create table a (id int primary key, b_id int references b);
       insert into b values (1, 0), (2, 0);
       insert into b_1 values (1, 0), (2, 0);
       insert into j_2 values (1, 1), (1, 2), (2, 2);
       insert into a values (1, 2);

       create table excluded (id int primary key, excluded int, pgrst_target int);
       create table pgrst_body (id int primary key, pgrst_body int, pgrst_source int);
       insert into pgrst_body values (1, 1, 1);
       create table pgrst_source (id int primary key, body_id int references pgrst_body);
       insert into pgrst_source values (1, 1);
       create table pgrst_args (id int primary key, pgrst_json int);
       insert into pgrst_args values (1, 1), (2, 2);
       create function args(pgrst_args int) returns setof pgrst_args stable language sql as 'select * from api.pgrst_args where id = $1';
       create function pgrst_document(pgrst_json int) returns table (pgrst_args int, pgrst_document int) stable language sql as 'select $1, $1 + 1';
       grant select, insert, update, delete on all tables in schema api to anon;`,
  );
});
after(() => server?.drop());

const body = async (path, status = 200) => {
  const answer = await server.get(path);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};
const quoted = (name) => encodeURIComponent(`"${name}"`);

test('a column named like an embed', async () => {
  assert.deepEqual(await body('/shipping?select=id,shipping_address_1,address(id)&order=id'), [
    { id: 10, shipping_address_1: 'wrong', address: { id: 1 } },
    { id: 11, shipping_address_1: null, address: { id: 2 } },
    { id: 12, shipping_address_1: 'x', address: null },
  ]);
  const kept = async (query) => (await body(query)).map((row) => row.id);
  assert.deepEqual(await kept('/shipping?select=id,address()&address=is.null'), [12]);
  assert.deepEqual(await kept('/shipping?select=id,address()&address=not.is.null&order=id'), [10, 11]);
  assert.deepEqual(await kept('/shipping?select=id,address!inner()&order=id'), [10, 11]);
});

test('a column named like the rows of a list', async () => {
  assert.deepEqual(await body('/address?select=shipping_address_1,shipping(id)&order=id'), [
    { shipping_address_1: 'a', shipping: [{ id: 10 }] },
    { shipping_address_1: null, shipping: [{ id: 11 }] },
  ]);
  assert.deepEqual(await body('/address?select=id,shipping!inner(shipping_address_1)&order=id'), [
    { id: 1, shipping: [{ shipping_address_1: 'wrong' }] },
    { id: 2, shipping: [{ shipping_address_1: null }] },
  ]);
});

test('spreads with columns and keys named like what they add', async () => {
  assert.deepEqual(
    await body('/address?select=id,...shipping(address_shipping_1:id,pgrst_rows,pgrst_order_1,pgrst_1)&shipping.order=id&order=id'),
    [
      { id: 1, address_shipping_1: [10], pgrst_rows: ['r'], pgrst_order_1: ['o'], pgrst_1: [5] },
      { id: 2, address_shipping_1: [11], pgrst_rows: ['r'], pgrst_order_1: ['o'], pgrst_1: [6] },
    ],
  );
  assert.deepEqual(await body('/shipping?select=pgrst_1,...address(pgrst_1:street,id.sum())&id=eq.10'), [{ pgrst_1: 'main', sum: 1 }]);
});

test('a computed relationship of a table that has a column of its own name', async () => {
  assert.deepEqual(await body('/shipping?select=id,near(street)&id=lt.12&order=id'), [
    { id: 10, near: { street: 'main' } },
    { id: 11, near: { street: 'side' } },
  ]);
  assert.deepEqual(await body('/address?select=id,address_of(id,near(id))&id=eq.1'), [{ id: 1, address_of: [{ id: 10, near: { id: 1 } }] }]);
  const written = await server.send('PATCH', '/address?id=eq.1&select=id,address_of(id)', { body: { address: 9 }, headers: { Prefer: 'return=representation' } });
  assert.deepEqual(written.body, [{ id: 1, address_of: [{ id: 10 }] }]);
});

test('a table named like the rows of another one inside it', async () => {
  const wanted = [
    { id: 1, t: [{ id: 3 }] },
    { id: 2, t: [{ id: 1 }, { id: 2 }] },
  ];
  assert.deepEqual(await body('/t_1?select=id,t(id)&order=id&t.order=id'), wanted);
  const written = await server.send('PATCH', '/t_1?select=id,t(id)&order=id&t.order=id&id=gt.0', { body: { t_1: 1 }, headers: { Prefer: 'return=representation' } });
  assert.deepEqual(written.body, wanted);
});

test('names of 63 bytes', async () => {
  const up = quoted(`${LONG_COLUMN}_2`);
  const name = quoted(`${LONG_COLUMN}_1`);
  assert.deepEqual(await body(`/${LONG}?select=id,a:${up}(id,b:${up}(id,name:${name})),c:${up}(id)&order=id.desc&limit=1`), [
    { id: 3, a: { id: 2, b: { id: 1, name: 'one' } }, c: { id: 2 } },
  ]);
  assert.deepEqual(await body(`/${LONG}?select=id,below:${LONG}(id,below:${LONG}(id))&id=eq.1`), [{ id: 1, below: [{ id: 2, below: [{ id: 3 }] }] }]);
  assert.equal((await body(`/${LONG}?select=${LONG}(id),${LONG}(id)`, 400)).code, '42803', 'two embeds of one name are refused as ever');
});

test('relations that are joined through others, and named like them', async () => {
  assert.deepEqual(await body('/b?select=id,b_1(id,b(id))&order=id&b_1.order=id&b_1.b.order=id'), [
    { id: 1, b_1: [{ id: 1, b: [{ id: 1 }] }, { id: 2, b: [{ id: 1 }, { id: 2 }] }] },
    { id: 2, b_1: [{ id: 2, b: [{ id: 1 }, { id: 2 }] }] },
  ]);
  assert.deepEqual(await body('/a?select=id,b(id,b_1(b_2,id))&b.b_1.order=id'), [{ id: 1, b: { id: 2, b_1: [{ b_2: 0, id: 2 }] } }]);
});

test('tables named like parts of a write or a call', async () => {
  const headers = { Prefer: 'return=representation,resolution=merge-duplicates' };
  for (const value of [1, 2]) {
    const answer = await server.post('/excluded', { id: 1, excluded: value, pgrst_target: value }, { headers });
    assert.deepEqual(answer.body, [{ id: 1, excluded: value, pgrst_target: value }]);
  }
  const put = await server.send('PUT', '/excluded?id=eq.1', { body: { id: 1, excluded: 3, pgrst_target: 3 }, headers: { Prefer: 'return=representation' } });
  assert.deepEqual(put.body, [{ id: 1, excluded: 3, pgrst_target: 3 }]);
  const patched = await server.send('PATCH', '/pgrst_body?id=eq.1&pgrst_body=eq.1&select=*,pgrst_source(id)', { body: { pgrst_body: 2 }, headers: { Prefer: 'return=representation' } });
  assert.deepEqual(patched.body, [{ id: 1, pgrst_body: 2, pgrst_source: [{ id: 1 }] }]);
  assert.deepEqual((await server.post('/rpc/args', { pgrst_args: 2 })).body, [{ id: 2, pgrst_json: 2 }]);
  assert.deepEqual((await server.post('/rpc/pgrst_document?select=pgrst_document,pgrst_args', { pgrst_json: 2 })).body, [{ pgrst_document: 3, pgrst_args: 2 }]);
});

test('system columns and whole rows', async () => {
  assert.deepEqual(await body('/t?select=id,tableoid::text&id=eq.1'), [{ id: 1, tableoid: await server.sql("select 'api.t'::regclass::oid::text") }]);
  assert.deepEqual(await body('/t?select=ctid:id,t_1(oid:id)&id=eq.1'), [{ ctid: 1, t_1: { oid: 2 } }]);
});
