// What an executor keeps between requests is bounded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pids } from './load.mjs';
import { SANITIZED, Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1 });
  await server.sql('grant pg_read_all_stats to anon');
});
after(() => server?.drop());

const keptByPlans = async () =>
  Number(await server.value("select sum(total_bytes) from pg_backend_memory_contexts where name like 'CachedPlan%'"));

test('many large requests, each of another shape, leave few plans behind', async () => {
  const select = (columns) => `/items?limit=1&select=${Array(columns).fill('id').join()}`;
  assert.equal((await server.get(select(1200))).status, 200);
  const one = await keptByPlans();
  for (let i = 0; i < 60; i += 1) assert.equal((await server.get(select(1201 + i))).status, 200);
  assert.ok((await keptByPlans()) < 40 * one);
});

test('the plan of a small request stays while other small ones come', async () => {
  const statements = () => server.value("select count(*) from pg_backend_memory_contexts where name = 'CachedPlanSource'");
  const before = Number(await statements());
  for (let i = 1; i <= 100; i += 1) assert.equal((await server.get(`/items?select=id,n${i}:name&id=eq.1`)).status, 200);
  assert.ok(Number(await statements()) >= before + 100 - 60, 'the plans of the large requests may have gone for them, and no other');
});

// As many clients as to keep the executor busy, until the result is called, which says what they got.
function busy() {
  let over = false;
  const seen = new Set();
  const client = async () => {
    while (!over) seen.add((await server.get('/items?id=eq.1')).status);
  };
  const clients = Promise.all(Array.from({ length: 10 }, client));
  return async () => {
    over = true;
    await clients;
    return [...seen];
  };
}

test('an executor that has become too large is replaced, also one that is never idle', { skip: SANITIZED }, async () => {
  await server.sql(`do $$ begin for i in 1..2000 loop
    execute format('create function api.large_%s() returns int language plpgsql as $f$ begin return 1; end $f$', i); end loop; end $$`);
  const grow = `do $$ begin for i in 1..2000 loop execute 'select api.large_' || i || '()'; end loop; end $$`;
  const [first] = await pids(server, 'executor');
  server.reload({ 'pgrest.executor_memory': '32MB' });
  await until('the reload', async () => ![first, undefined].includes((await pids(server, 'executor'))[0]));
  await server.ready();
  const [small] = await pids(server, 'executor');
  const end = busy();
  // enough requests for it to be weighed several times
  for (let n = 0; n < 500; n++) await server.get('/items?id=eq.1');
  assert.deepEqual(await pids(server, 'executor'), [small]);
  assert.equal((await server.post('/rpc/run', { command: grow })).status, 200);
  await until('another', async () => ![small, undefined].includes((await pids(server, 'executor'))[0]));
  assert.deepEqual(await end(), [200]);
  server.reload({ 'pgrest.executor_memory': '256MB' });
});

test('an executor that has become too old is replaced, also one that is never idle', async () => {
  const end = busy();
  server.reload({ 'pgrest.db_pool_max_lifetime': '1s' });
  const seen = new Set();
  await until('four of them', async () => {
    for (const pid of await pids(server, 'executor')) seen.add(pid);
    return seen.size >= 4;
  }, 30000);
  assert.deepEqual(await end(), [200]);
});
