// Saved plans of an executor: how many there are, and that one which runs stays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pids } from './load.mjs';
import { SECRET, Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.lock_role': 'off' });
  await server.sql(`create extension pgrest;
    -- may call pgrest.request(), which changes the role
    create role root superuser; grant root to authenticator;
    -- of the session that asks
    create function api.kept_plans(part text) returns bigint security definer language sql as
      $$ select count(*) from pg_backend_memory_contexts where name = 'CachedPlanSource' and ident like '%' || part || '%' and ident not like '%kept_plans%' $$;
    create function api.fill(n int) returns text language plpgsql as $$ begin
      for i in 1..n loop
        if (pgrest.request('GET', '/items?limit=1&select=inner_' || i || ':id')).status <> 200 then raise 'no answer'; end if;
      end loop;
      return api.kept_plans('LATERAL%"fill"') || ' ' || api.kept_plans('AS "inner_1"');
    end $$;
    create function api.again(depth int) returns int language plpgsql as $$ begin
      if depth > 0 and (pgrest.request('POST', '/rpc/again',
          jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || pgrest.sign('{"role": "root"}', '${SECRET}')),
          format('{"depth": %s}', depth - 1))).status <> 200 then raise 'no answer'; end if;
      return depth;
    end $$`);
});
after(() => server?.drop());

const root = { claims: { role: 'root' } };

test('a plan that runs stays, while requests inside of its request fill the cache', async () => {
  const executor = await pids(server, 'executor');
  for (let n = 0; n < 4; n++) assert.equal((await server.post('/rpc/fill', { n: 1000 }, root)).body, '1 0');
  assert.deepEqual(await pids(server, 'executor'), executor);
});

test('requests inside of requests of the same shape', async () => {
  const executor = await pids(server, 'executor');
  for (let n = 0; n < 4; n++) assert.equal((await server.post('/rpc/again', { depth: 20 }, root)).body, 20);
  // the request that counts has a plan of its own
  assert.equal((await server.post('/rpc/kept_plans', { part: 'LATERAL%"again"' }, root)).body, 1);
  assert.deepEqual(await pids(server, 'executor'), executor);
});

test('the number of plans is bounded', async () => {
  await server.post('/rpc/fill', { n: 3000 }, root);
  const kept = (await server.post('/rpc/kept_plans', { part: 'AS "inner_' }, root)).body;
  assert.ok(kept > 400 && kept <= 512, `${kept} plans`);
});
