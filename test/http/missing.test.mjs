// What pgrest needs is missing, comes, goes, or is used up: 503 that says why, and service as soon as it is there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LOAD_SQL, Load, isClean, pids } from './load.mjs';
import { ROOT, Server, until } from './server.mjs';

const fixture = readFileSync(join(ROOT, 'test/http/fixture.sql'), 'utf8');
const losses = ['503 57P01', '503 PGRST000', '503 PGRST001', '503 3D000'];
const reason = async (server) => {
  try {
    const { status, body } = await server.get('/items');
    return status === 503 ? body.details : String(status);
  } catch {
    return 'closed';
  }
};
const answers = (server) => until('service', async () => (await reason(server)) === '200', 40000);
const refuses = (server, text) => until(text, async () => (await reason(server))?.includes(text), 40000);
const times = (server, text) => server.log().split(text).length - 1;
const terminate = (server) => server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'pgrest executor'`, 'postgres');

test('database and authenticator are missing at start and made later', async () => {
  const server = await Server.create({ 'pgrest.workers': 2 });
  after(() => server.drop());
  server.configure();
  server.cluster('start');
  await refuses(server, 'database "app" does not exist');
  assert.ok((await server.get('/items')).headers.get('retry-after'));
  await server.sql('create database app', 'postgres');
  await refuses(server, 'role "authenticator" does not exist');
  assert.equal(times(server, 'pgrest cannot connect its executors: database "app" does not exist'), 1);
  server.cluster('psql', { input: fixture }, '-d', 'app');
  await answers(server);
});

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2 });
  await server.sql('create extension pgrest', 'postgres');
  await server.sql(`create extension pgrest; ${LOAD_SQL}`);
});
after(() => server?.drop());

// Connected executors notice it by themselves.
for (const [what, go, come, text] of [
  ['the authenticator is renamed', 'alter role authenticator rename to someone', 'alter role someone rename to authenticator', 'role "authenticator" does not exist'],
  ['the authenticator is dropped', 'drop role authenticator', 'create role authenticator login noinherit; grant anon, clerk to authenticator', 'role "authenticator" does not exist'],
  ['the authenticator may not log in', 'alter role authenticator nologin', 'alter role authenticator login', 'not permitted to log in'],
  ['the authenticator is a superuser', 'alter role authenticator superuser', 'alter role authenticator nosuperuser', 'is a superuser'],
]) {
  test(what, async () => {
    await answers(server);
    const executors = await pids(server, 'executor');
    await server.sql(go, 'postgres');
    // not one request more is served, by whichever executor
    for (let n = 0; n < 10; n++) {
      const { status, body } = await server.get('/items?id=eq.1');
      assert.deepEqual([status, body.code], [503, 'PGRST000']);
      assert.ok(body.details.includes(text), body.details);
    }
    await until('the log', () => server.log().match(/pgrest cannot connect its executors: .*/g)?.some((line) => line.includes(text)));
    await server.sql(come, 'postgres');
    await answers(server);
    for (const executor of executors) assert.ok(!(await pids(server, 'executor')).includes(executor));
  });
}

test('the authenticator is dropped and made again before anybody asks', async () => {
  await answers(server);
  await server.sql('drop role authenticator; create role authenticator login noinherit; grant anon, clerk to authenticator', 'postgres');
  const load = new Load(server);
  await until('answers', () => load.count('right') > 50, 30000);
  assert.deepEqual(await load.end(['503 PGRST000']), []);
  assert.ok(load.count('503 PGRST000') > 0);
});

test('changes of other roles disturb nobody', async () => {
  await answers(server);
  const executors = await pids(server, 'executor');
  await server.sql('create role other; alter role other superuser; drop role other', 'postgres');
  for (let n = 0; n < 10; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.deepEqual(await pids(server, 'executor'), executors);
});

test('the database allows no connections', async () => {
  await answers(server);
  await server.sql('alter database app allow_connections false', 'postgres');
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
  await terminate(server);
  await refuses(server, 'does not allow connections');
  assert.ok(server.log().match(/pgrest cannot connect its executors: .*/g).some((line) => line.includes('does not allow connections')));
  await server.sql('alter database app allow_connections true', 'postgres');
  await answers(server);
});

test('the database is copied during a pause, dropped with force, and replaced by its copy, under load', async () => {
  await answers(server);
  const load = new Load(server);
  await until('the load to be under way', () => load.count('right') > 50);
  await server.sql('select pgrest.pause()', 'postgres');
  await server.sql('create database spare template app', 'postgres');
  await server.sql('select pgrest.resume()', 'postgres');
  const so_far = load.count('right');
  await until('answers', () => load.count('right') > so_far + 50, 30000);
  await server.sql('drop database app with (force)', 'postgres');
  await refuses(server, 'database "app" does not exist');
  const lost = load.acknowledged.splice(0).length;
  assert.ok(lost > 0);
  await server.sql('alter database spare rename to app', 'postgres');
  await until('answers', () => load.acknowledged.length > 20, 30000);
  // a write that was under way at the drop is not in the copy
  assert.deepEqual((await load.end([...losses, '409 23505'])).filter((problem) => !/acknowledged/.test(problem)), []);
  await until('clean memory', () => isClean(server));
});

test('no connection is left for clients of PostgreSQL: requests need none', async () => {
  await server.restart({ max_connections: 6, superuser_reserved_connections: 1, max_wal_senders: 0 });
  await answers(server);
  const executors = await pids(server, 'executor');
  const sessions = Array.from({ length: 6 }, () => server.sql('select pg_sleep(4)').catch(() => {}));
  await until('all connections to be used', async () => {
    const left = await server.sql('select 1').then(() => true, () => false);
    // one that was just closed can have been in the way of a session
    if (left) sessions.push(server.sql('select pg_sleep(4)').catch(() => {}));
    return !left;
  });
  // new ones can connect as well
  for (const executor of executors) process.kill(executor, 'SIGTERM');
  await answers(server);
  for (let n = 0; n < 20; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  await Promise.all(sessions);
});

test('fewer background workers than wanted: those that there are serve, and the log says so once', async () => {
  await server.restart({ 'pgrest.workers': 4, max_worker_processes: 4, max_logical_replication_workers: 0, max_connections: 20 });
  await answers(server);
  await until('two executors', async () => (await pids(server, 'executor')).length === 2);
  await until('the log', () => times(server, 'no free background worker; raise max_worker_processes') > 0);
  for (let n = 0; n < 20; n++) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.equal(times(server, 'no free background worker; raise max_worker_processes'), 1);
});

for (const most of [0, 1]) {
  test(`max_worker_processes = ${most}: PostgreSQL starts, and one line says that HTTP is not served`, async () => {
    const before = server.log().length;
    await server.restart({ 'pgrest.workers': 4, max_worker_processes: most, max_logical_replication_workers: 0 });
    assert.equal(await server.sql('select 1', 'postgres'), '1');
    const log = server.log().slice(before);
    const line = `pgrest serves no HTTP: max_worker_processes (${most}) has no room for its processes; it needs 6 beside those of others`;
    assert.equal(log.split(line).length, 2, log);
    assert.doesNotMatch(log, /too many background workers/);
    await assert.rejects(server.get('/items'));
  });
}

test('a second listener for which there is no room: the first serves', async () => {
  const before = server.log().length;
  await server.restart({ 'pgrest.workers': 1, 'pgrest.listeners': 4, max_worker_processes: 4, max_logical_replication_workers: 0 });
  assert.match(server.log().slice(before), /pgrest listens with 3 of 4 processes: max_worker_processes \(4\) has no room for more; it needs 6 beside/);
  await refuses(server, 'no free background worker');
  await server.restart({ 'pgrest.workers': 2, 'pgrest.listeners': 1, max_worker_processes: 8 });
  await answers(server);
});

test('a library behind pgrest that keeps its request for memory: PostgreSQL starts, and one line says that HTTP is not served', async () => {
  execFileSync('make', ['-s', '-C', join(ROOT, 'test/modules/keeper'), ...(process.env.PG_CONFIG ? [`PG_CONFIG=${process.env.PG_CONFIG}`] : [])]);
  chmodSync(server.dir, 0o755);
  const library = join(server.dir, 'keeper.so');
  copyFileSync(join(ROOT, 'test/modules/keeper/keeper.so'), library);
  chmodSync(library, 0o755);
  for (const [what, kept] of [['request', ''], ['startup', "keeper.kept = 'startup'"]]) {
    const before = server.log().length;
    await server.restart({ shared_preload_libraries: `pgrest,${library}`, ...(kept && { 'keeper.kept': 'startup' }) });
    assert.equal(await server.sql('select 1', 'postgres'), '1', what);
    const lines = () => server.log().slice(before).split('pgrest serves no HTTP: a library behind it').length - 1;
    await until('the line', () => lines() === 1);
    await assert.rejects(server.get('/items'));
    await assert.rejects(server.sql('select * from pgrest.workers', 'postgres'), /pgrest is not running in this server/);
    assert.doesNotMatch(server.log().slice(before), /PANIC|terminated by signal/);
    assert.equal(lines(), 1);
  }
  const { 'keeper.kept': _, ...settings } = server.settings;
  server.settings = settings;
  // in front of pgrest it does no harm
  await server.restart({ shared_preload_libraries: `${library},pgrest` });
  await answers(server);
});

test('all background workers are used by others: 503 says so, and ends when they are free', async () => {
  await server.restart({ 'pgrest.workers': 2, max_worker_processes: 4, max_logical_replication_workers: 0, max_parallel_workers: 4 });
  await answers(server);
  await server.sql(`create table many (n int); insert into many select generate_series(1, 100000); analyze many; alter table many set (parallel_workers = 2);
    create function busy(n int) returns boolean parallel safe language plpgsql as $$ begin
      if n % 10000 = 0 then perform pg_sleep(0.5); end if; return true; end $$`);
  await server.sql('select pgrest.pause()', 'postgres');
  const parallel = server.sql(`set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
    select count(*) from many where busy(n)`);
  await until('them to be used', async () => (await server.sql(`select count(*) from pg_stat_activity where backend_type = 'parallel worker'`)) === '2');
  await server.sql('select pgrest.resume()', 'postgres');
  await refuses(server, 'no free background worker; raise max_worker_processes');
  await parallel;
  await answers(server);
});
