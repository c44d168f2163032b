// What an executor keeps between requests is bounded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

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
