// Tables with very many columns.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

const COLUMNS = 1500;
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1 });
  await server.sql(`do $$ begin
      execute (select 'create table api.wide (id int primary key, ' || string_agg(format('c%s int default %s + length(''x'')', n, n), ', ') || ')' from generate_series(1, ${COLUMNS}) n);
    end $$;
    insert into api.wide (id) values (1); grant all on api.wide to anon`);
});
after(() => server?.drop());

// It took 15 seconds when defaults were printed for every reading, each in a context of all columns' names.
test('what a read costs does not depend on defaults', async () => {
  for (let n = 0; n < 3; n++) {
    await server.sql(`alter table api.wide alter c1 set default ${n}`);
    const { status, body } = await server.get('/wide?select=id', { signal: AbortSignal.timeout(5000) });
    assert.deepEqual([status, body], [200, [{ id: 1 }]]);
  }
});

test('missing=default over more columns than a function takes arguments', async () => {
  const columns = (count) => Array.from({ length: count }, (_, n) => `c${n + 2}`);
  for (const count of [1, 49, 50, 51, 100, 101, 300, 1400]) {
    const id = 100 + count;
    const given = ['id', ...columns(count)].join(',');
    const inserted = await server.post(`/wide?columns=${given}&select=id,c2,c${count + 1}`, { id }, { headers: { Prefer: 'missing=default, return=representation' } });
    assert.deepEqual([inserted.status, inserted.body], [201, [{ id, c2: 3, [`c${count + 1}`]: count + 2 }]], `${count} columns`);
  }
  const patch = { c2: -1 };
  const changed = await server.send('PATCH', `/wide?id=eq.1&columns=${columns(120)}&select=c2,c3,c121`, { body: patch, headers: { Prefer: 'missing=default, return=representation' } });
  assert.deepEqual(changed.body, [{ c2: -1, c3: 4, c121: 122 }]);
});

test('a default whose function is renamed', async () => {
  await server.sql(`create function api.given() returns int language sql as 'select 5'; create table api.defaulted (id int, v int default api.given()); grant all on api.defaulted to anon`);
  const insert = () => server.post('/defaulted?columns=id,v', { id: 1 }, { headers: { Prefer: 'missing=default, return=representation' } });
  assert.deepEqual((await insert()).body, [{ id: 1, v: 5 }]);
  await server.sql('alter function api.given() rename to given_now');
  assert.deepEqual((await insert()).body, [{ id: 1, v: 5 }]);
});
