// pgrest.request() answers errors, so it must tidy up after them as PostgreSQL does: its caller's transaction goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, token, until } from './server.mjs';

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

test('a timeout or a cancel of its caller ends the caller, as it passes WHEN OTHERS in PL/pgSQL', async () => {
  await server.sql(`create function api.drowse(seconds float) returns int language sql as 'select 1 from pg_sleep(seconds)'`);
  const naps = `do $$ begin
    for i in 1..5 loop perform pgrest.request('GET', '/rpc/drowse?seconds=600'); end loop;
    raise notice 'went on'; end $$`;
  await assert.rejects(server.sql(`set statement_timeout = '500ms'; ${naps}`), /canceling statement due to statement timeout/);

  const cancelled = assert.rejects(server.sql(`set application_name = 'napper'; ${naps}`), /canceling statement due to user request/);
  await until('the caller sleeps', async () => (await server.sql(`select count(pg_cancel_backend(pid)) from pg_stat_activity where application_name = 'napper' and wait_event = 'PgSleep'`)) === '1');
  await cancelled;
});

test('the end of the session ends the request, and nothing of it stays', async () => {
  await server.sql(`create function api.take_and_sleep() returns void language plpgsql as $$ begin
    insert into api.items values (500, 'taken'); perform pg_sleep(600); end $$`);
  const ended = assert.rejects(
    server.sql(`set application_name = 'sleeper'; select * from pgrest.request('POST', '/rpc/take_and_sleep'); select 'went on'`),
    /terminating connection due to administrator command/);
  await until('the session sleeps', async () => (await server.sql(`select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'sleeper' and wait_event = 'PgSleep'`)) === '1');
  await ended;
  assert.equal(await server.sql('select count(*) from api.items where id = 500'), '0');
});

test('the timeout of the request itself is an answer', async () => {
  await server.sql(`alter role clerk set statement_timeout = '50ms'`);
  try {
    const call = `select status || ' ' || (body::json ->> 'code') from pgrest.request('GET', '/rpc/drowse?seconds=600',
      jsonb_build_object('Authorization', 'Bearer ' || '${token({ role: 'clerk' })}')); select 'went on'`;
    assert.equal(await server.sql(call), '500 57014\nwent on');
  } finally {
    await server.sql('alter role clerk reset statement_timeout');
  }
});
