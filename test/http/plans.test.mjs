// Row security that reads claims, under plans with parallel workers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { force_parallel_mode: 'on', parallel_setup_cost: 0, parallel_tuple_cost: 0, min_parallel_table_scan_size: 0, max_parallel_workers_per_gather: 2 },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create table api.rows (n int, owner text, who name);
       insert into api.rows select n, 'o' || n % 10, case when n % 2 = 0 then 'anon' else 'clerk' end from generate_series(1, 10000) n;
       analyze api.rows;
       alter table api.rows enable row level security;
       create policy p on api.rows using (
         who = current_user and owner = current_setting('request.jwt.claims', true)::json ->> 'owner'
         and owner = current_setting('request.jwt.claim.owner', true)
         and current_setting('request.method', true) = 'GET'
         and current_setting('request.headers', true)::json ->> 'x-pass' = 'yes'
         and current_setting('request.cookies', true)::json ->> 'c' = 'v');
       grant select on api.rows to anon, clerk;`,
  );
});
after(() => server?.drop());

test('workers of a parallel plan see role and claims', async () => {
  const headers = { 'X-Pass': 'yes', Cookie: 'c=v' };
  for (let n = 0; n < 10; n++) {
    const role = n % 2 ? 'clerk' : 'anon';
    const answer = await server.get('/rows?select=count()', { claims: { role, owner: `o${n}` }, headers });
    assert.equal(answer.status, 400); // aggregates are off
    const rows = await server.get('/rows?select=n', { claims: { role, owner: `o${n}` }, headers });
    assert.equal(rows.status, 200, rows.text);
    assert.equal(rows.body.length, 1000, `owner o${n} as ${role}`);
  }
});

test('and nothing without them', async () => {
  assert.deepEqual((await server.get('/rows', { claims: { role: 'clerk' } })).body, []);
});
