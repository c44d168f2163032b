// Row security that reads claims, under plans with parallel workers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { force_parallel_mode: 'on', parallel_setup_cost: 0, parallel_tuple_cost: 0, min_parallel_table_scan_size: 0, max_parallel_workers_per_gather: 2,
      'pgrest.db_plan_enabled': 'on', 'pgrest.db_aggregates_enabled': 'on' },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create table api.rows (n int, owner text, who name);
       insert into api.rows select n, 'o' || n % 10, case when n % 2 = 0 then 'anon' else 'clerk' end from generate_series(1, 10000) n;
       analyze api.rows;
       create table api.owners (owner text primary key);
       insert into api.owners select 'o' || n from generate_series(0, 9) n;
       alter table api.rows add foreign key (owner) references api.owners;
       create function api.mine() returns setof api.rows stable parallel safe language sql as 'select * from api.rows';
       grant select on api.owners to anon, clerk;
       alter table api.rows enable row level security;
       create policy p on api.rows using (
         who = current_user and owner = current_setting('request.jwt.claims', true)::json ->> 'owner'
         and owner = current_setting('request.jwt.claim.owner', true)
         and current_setting('request.method', true) = 'GET'
         and current_setting('request.headers', true)::json ->> 'x-pass' = 'yes'
         and current_setting('request.cookies', true)::json ->> 'c' = 'v');
       grant select on api.rows to anon, clerk;
       create table api.hooked (n int);
       insert into api.hooked select generate_series(1, 10000);
       analyze api.hooked;
       alter table api.hooked enable row level security;
       create policy p on api.hooked using (n % 10 = current_setting('my.digit', true)::int and current_setting('work_mem') = '5MB');
       grant select on api.hooked to anon, clerk;
       alter role clerk set work_mem = '5MB';
       create function api.choose_digit() returns void language sql as
         $$ select set_config('my.digit', coalesce(current_setting('request.jwt.claim.digit', true), '0'), true) $$;`,
  );
});
after(() => server?.drop());

const headers = { 'X-Pass': 'yes', Cookie: 'c=v' };
const as = (n) => ({ claims: { role: n % 2 ? 'clerk' : 'anon', owner: `o${n}` }, headers });

test('the plans here are parallel', async () => {
  const plan = await server.get('/rows', { ...as(1), headers: { ...headers, Accept: 'application/vnd.pgrst.plan+json; options=analyze' } });
  assert.match(plan.text, /"Node Type": "Gather"/);
  assert.match(plan.text, /"Workers Launched": [12]/);
});

test('workers of a parallel plan see role and claims', async () => {
  for (let n = 0; n < 10; n++) {
    const rows = await server.get('/rows?select=n,who,owner', as(n));
    assert.equal(rows.status, 200, rows.text);
    assert.equal(rows.body.length, 1000, `owner o${n}`);
    assert.ok(rows.body.every((row) => row.owner === `o${n}` && row.who === as(n).claims.role));
  }
});

test('also when rows are counted, aggregated, embedded, or come from a function', async () => {
  for (let n = 0; n < 4; n++) {
    const counted = await server.get('/rows?select=n&limit=1', { ...as(n), headers: { ...headers, Prefer: 'count=exact' } });
    assert.equal(counted.headers.get('content-range'), '0-0/1000', counted.text);
    assert.deepEqual((await server.get('/rows?select=count()', as(n))).body, [{ count: 1000 }]);
    const embedded = await server.get(`/owners?select=owner,rows(n)&owner=eq.o${n}`, as(n));
    assert.equal(embedded.body[0].rows.length, 1000, embedded.text);
    assert.equal((await server.get('/rpc/mine?select=n', as(n))).body.length, 1000);
  }
});

test('many clients, each with its own rows', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => server.get('/rows?select=owner,who', as(n % 10))));
  answers.forEach((answer, n) => {
    assert.equal(answer.body.length, 1000, answer.text);
    assert.ok(answer.body.every((row) => row.owner === `o${n % 10}`));
  });
});

test('and nothing without them', async () => {
  assert.deepEqual((await server.get('/rows', { claims: { role: 'clerk' } })).body, []);
  assert.deepEqual((await server.get('/rows', { ...as(1), claims: { role: 'anon', owner: 'o1' } })).body, []);
  assert.deepEqual((await server.get('/rows', { ...as(1), headers: { 'X-Pass': 'yes' } })).body, []);
});

test('workers see what the pre-request function has set, and the settings of the role', async () => {
  server.reload({ 'pgrest.db_pre_request': 'choose_digit' });
  const get = (digit, role = 'clerk') => server.get('/hooked', { claims: { role, digit } });
  await until('the function', async () => (await get(3)).body.length > 0);
  for (let digit = 0; digit < 10; digit++) {
    const { body } = await get(digit);
    assert.equal(body.length, 1000);
    assert.ok(body.every(({ n }) => n % 10 === digit));
  }
  assert.deepEqual((await get(3, 'anon')).body, []);
  server.reload({ 'pgrest.db_pre_request': '' });
});
