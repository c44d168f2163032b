// A hundred embeds beside each other: planned in time and memory in proportion to their number.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

const EMBEDS = 100;
let server;
before(async () => {
  server = await Server.start(
    {},
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create table api.ends (id int primary key, name text);
       create table api.hub (id int primary key, end_id int references api.ends);
       insert into api.ends values (1, 'one'), (2, 'two');
       insert into api.hub values (1, 1), (2, 2), (3, null);
       alter role anon set statement_timeout = '60s';
       grant select on api.ends, api.hub to anon;`,
  );
});
after(() => server?.drop());

const list = (embed) => Array.from({ length: EMBEDS }, (_, i) => embed(i)).join();
const rows = (embedded) => embedded.map(([id, value]) => ({ id, ...Object.fromEntries(Array.from({ length: EMBEDS }, (_, i) => [`e${i}`, value])) }));

test('of one row', async () => {
  const answer = await server.get(`/hub?select=id,${list((i) => `e${i}:ends(name)`)}&order=id`);
  assert.deepEqual(answer.body, rows([[1, { name: 'one' }], [2, { name: 'two' }], [3, null]]));
});

// Together, joined over one column, these took more than half a gigabyte to plan.
test('of one row, inner and counted', async () => {
  const answer = await server.get(`/hub?select=id,${list((i) => `e${i}:ends!inner(name)`)}&order=id&limit=1`, { headers: { Prefer: 'count=exact' } });
  assert.equal(answer.status, 206, answer.text);
  assert.deepEqual(answer.body, rows([[1, { name: 'one' }]]));
  assert.equal(answer.headers.get('content-range'), '0-0/2');
});

test('compared with null', async () => {
  const tests = Array.from({ length: EMBEDS }, (_, i) => `e${i}=${i % 2 ? 'not.is' : 'is'}.null`).join('&');
  const answer = await server.get(`/hub?select=id,${list((i) => `e${i}:ends(name)`)}&${tests}`);
  assert.deepEqual(answer.body, []);
});

test('of lists', async () => {
  const answer = await server.get(`/ends?select=id,${list((i) => `e${i}:hub!inner(id)`)}&order=id`);
  assert.deepEqual(answer.body, rows([[1, [{ id: 1 }]], [2, [{ id: 2 }]]]));
});

test('spread', async () => {
  const answer = await server.get(`/hub?select=id,...ends(${list((i) => `e${i}:name`)})&order=id`);
  assert.deepEqual(answer.body, rows([[1, 'one'], [2, 'two'], [3, null]]));
});
