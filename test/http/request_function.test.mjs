// pgrest.request() answers errors, so it must tidy up after them as PostgreSQL does: its caller's transaction goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1 });
  // it runs out of stack somewhere: at each depth somewhere else, also while names are looked up
  await server.sql(`create extension pgrest;
    create table api.parents (id int primary key);
    create table api.children (id int primary key default (1 + 1), parent int references api.parents);
    create function public.nested(n int) returns text language sql as $$
      select case when n > 0 then public.nested(n - 1)
             else (select status || ' ' || (body::json ->> 'code') from pgrest.request('GET', '/parents?select=*,children(*)')) end $$`);
});
after(() => server?.drop());

test('an error while names are looked up leaves nothing behind in the transaction of the caller', async () => {
  const seen = new Set();
  for (let n = 10; n < 400; n += 2) {
    const call = `begin; set local search_path = 'public'; set local max_stack_depth = '100kB'; select public.nested(${n});
      set local max_stack_depth = '2MB'; show search_path; select count(*) > 0 from pg_class; commit`;
    const [answer, path, alive] = (await server.sql(call).catch(() => 'out of stack before it')).split('\n');
    seen.add(answer);
    if (!path) break;
    assert.deepEqual([path, alive], ['public', 't'], answer);
  }
  assert.deepEqual([...seen], ['401 42501', '500 54001', 'out of stack before it']);
  assert.doesNotMatch(server.log(), /WARNING/);
});
