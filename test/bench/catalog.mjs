// What looking names up costs in a large schema: 5,000 tables with keys, 1,000 views, 500 functions.
//   node test/bench/catalog.mjs            PG_CONFIG chooses the PostgreSQL, pgrest is installed into it
// Milliseconds, medians: processor time of the executor for the request, then the time that the client waited.
import { readFileSync } from 'node:fs';
import { pids } from '../http/load.mjs';
import { Server, until } from '../http/server.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const TABLES = 5000;
const schema = `
  create role authenticator login noinherit; create role anon; grant anon to authenticator;
  create schema api; create schema other; grant usage on schema api to anon;`;
const tables = (from, to) => `do $$ begin
  for n in ${from}..${to} loop
    execute format('create table api.t%s (id int primary key, a int %s, b int %s, v text)', n,
      case when n > 10 then 'references api.t' || n / 10 end, case when n > 10 then 'references api.t' || n / 7 end);
  end loop; end $$`;
const views = (from, to) => `do $$ begin
  for n in ${from}..${to} loop
    execute format('create view api.v%s as select id, a, b, v from api.%s%s', n,
      case when n % 4 = 0 then 't' else 'v' end, case when n % 4 = 0 then n + 1000 else n - 1 end);
  end loop; end $$`;
const rest = `do $$ begin
  for n in 1..500 loop
    execute format('create function api.f%s(api.t%s) returns setof api.t%s stable language sql as ''select * from api.t%s where id = $1.a''', n, n + 100, (n + 100) / 10, (n + 100) / 10);
  end loop; end $$;
  insert into api.t1 select generate_series(1, 10); insert into api.t300 values (1, null, null, 'x'); insert into api.t2000 values (1, null, null, 'x');
  grant select on all tables in schema api to anon`;

const server = await Server.start({ 'pgrest.workers': 1, max_locks_per_transaction: 1024 }, schema);
for (let n = 0; n < TABLES; n += 500) await server.sql(tables(n + 1, n + 500));
for (let n = 0; n < 1000; n += 200) await server.sql(views(n, n + 199));
await server.sql(rest);
await server.sql('vacuum analyze');

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const median = (times) => [middle(times.map(([first]) => first)), middle(times.map(([, second]) => second))];
let executor;
const onProcessor = () => Number(readFileSync(`/proc/${executor}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
async function time(path) {
  const before = onProcessor();
  const start = performance.now();
  const { status, text } = await server.get(path);
  const took = performance.now() - start;
  if (status !== 200 && status !== 404) throw new Error(`${path}: ${status} ${text}`);
  return [onProcessor() - before, took];
}
async function freshExecutor() {
  const [old] = await pids(server, 'executor');
  await server.sql(`select pg_terminate_backend(${old})`);
  await until('another executor', async () => {
    const now = await pids(server, 'executor');
    return now.length === 1 && now[0] !== old;
  });
  [executor] = await pids(server, 'executor');
  await server.get('/'); // it is up, and the connection is open
}
const show = (what, values) => console.log(what.padEnd(60), ...values.map((value) => value.toFixed(value < 10 ? 2 : 0).padStart(8)));

const byKey = '/t300?id=eq.1';
const embeds = '/t300?id=eq.1&select=*,a:t30!t300_a_fkey(id),b:t42!t300_b_fkey(id)';
const throughViews = '/v999?id=eq.1&select=id,a:t199!t1996_a_fkey(id)';

console.log('-- the first request of a fresh executor');
for (const [what, path] of [['read by key', byKey], ['embed over two foreign keys', embeds], ['embed of a view over three views', throughViews]]) {
  const times = [];
  for (let n = 0; n < ROUNDS; n++) {
    await freshExecutor();
    times.push(await time(path));
  }
  show(what, median(times));
}

console.log('-- the next request after a change that does not concern it, beside one without any change');
for (let n = 0; n < 20; n++) for (const path of [byKey, embeds, throughViews]) await time(path);
for (const [what, sql] of [
  ['nothing', 'select 1'],
  ['ANALYZE of the table', 'analyze api.t300'],
  ['VACUUM of the table', 'vacuum api.t300'],
  ['CREATE INDEX on the table', 'create index on api.t300 (v)'],
  ['GRANT on the table', 'grant select on api.t300 to anon'],
  ['temporary table with a key', 'create temp table x (id int primary key)'],
  ['temporary view', 'create temp view x as select 1'],
  ['a function elsewhere', 'create or replace function other.f() returns int language sql as $$ select 1 $$'],
  ['a table elsewhere', 'create table if not exists other.t (id int primary key); drop table other.t'],
]) {
  for (const [kind, path] of [['read', byKey], ['embed', embeds], ['views', throughViews]]) {
    const times = [];
    for (let n = 0; n < ROUNDS; n++) {
      await server.sql(sql);
      times.push(await time(path));
    }
    show(`${what}: ${kind}`, median(times));
  }
}

console.log('-- other');
for (const [what, path] of [['unknown table (404)', '/t30x'], ['unknown function (404)', '/rpc/f30x']]) {
  await time(path);
  const times = [];
  for (let n = 0; n < ROUNDS; n++) times.push(await time(path));
  show(what, median(times));
}
await freshExecutor();
const memory = () => [...readFileSync(`/proc/${executor}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kB]) => sum + Number(kB), 0) / 1024;
const before = memory();
for (let n = 0; n < 1000; n++) await time(`/t${2000 + n}?id=eq.1&select=id,a:t${Math.floor((2000 + n) / 10)}!t${2000 + n}_a_fkey(id)`);
show('private memory of an executor before and after 1,000 different embeds, MB', [before, memory()]);
server.drop();
