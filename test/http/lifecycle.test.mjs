// The server reloads and loses processes while clients are at it. Every request ends in the right answer,
// an error that docs/operations.md names, or a closed connection; what was acknowledged is in the database.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOAD_SQL, LOSSES, answersAgain, beginLoad, isClean, pids, untilWhole } from './load.mjs';
import { SECRET, Server, sleep, until } from './server.mjs';

const workers = 3;
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': workers, 'pgrest.shutdown_timeout': '500ms' });
  await server.sql(`create extension pgrest; ${LOAD_SQL}
    create schema other; create table other.things (id int); insert into other.things values (1);
    create role visitor; grant visitor to authenticator; grant usage on schema api, other to visitor, anon;
    grant all on all tables in schema api to visitor; grant select on other.things to visitor, anon`);
});
after(() => server?.drop());

const begin = (options) => beginLoad(server, options);
const whole = () => untilWhole(server, workers);

test('reloads with another secret, other schemas and another anonymous role drop nothing and mix nothing up', async () => {
  await whole();
  const load = await begin();
  const known = { claims: { role: 'clerk' } };
  const other = 'another secret, which is also long enough';
  const seen = new Set();
  let over = false;
  const watch = async (path, options) => {
    while (!over) {
      const { status, body } = await server.get(path, options);
      seen.add(`${path} ${status} ${body.code ?? body}`);
    }
  };
  const watchers = Promise.all([watch('/rpc/whoami'), watch('/rpc/whoami', known), watch('/things?select=id', { headers: { 'Accept-Profile': 'other' } })]);
  for (let round = 0; round < 3; round++) {
    server.reload({ 'pgrest.jwt_secret': other, 'pgrest.db_schemas': 'api, other', 'pgrest.db_anon_role': 'visitor' });
    await until('the new secret', async () => (await server.get('/rpc/whoami', known)).status === 401);
    assert.equal((await server.get('/rpc/whoami')).body, 'visitor');
    assert.equal((await server.get('/things', { headers: { 'Accept-Profile': 'other' } })).status, 200);
    server.reload({ 'pgrest.jwt_secret': SECRET, 'pgrest.db_schemas': 'api', 'pgrest.db_anon_role': 'anon' });
    await until('the old secret', async () => (await server.get('/rpc/whoami', known)).status === 200);
    assert.equal((await server.get('/rpc/whoami')).body, 'anon');
    assert.equal((await server.get('/things', { headers: { 'Accept-Profile': 'other' } })).status, 406);
  }
  over = true;
  await watchers;
  assert.deepEqual(await load.end(), []);
  assert.deepEqual([...seen].sort(), [
    '/rpc/whoami 200 anon', '/rpc/whoami 200 clerk', '/rpc/whoami 200 visitor', '/rpc/whoami 401 PGRST301',
    '/things?select=id 200 [object Object]', '/things?select=id 406 PGRST106',
  ]);
});

test('the numbers of processes and the port stay until a restart', async () => {
  await whole();
  const before = await pids(server, 'listener');
  server.reload({ 'pgrest.workers': workers + 2, 'pgrest.server_port': server.port === 65000 ? 65001 : 65000 });
  await until('the log to say so', () => /"pgrest.workers" cannot be changed without restarting/.test(server.log()) && /"pgrest.server_port" cannot be changed/.test(server.log()));
  await whole();
  assert.deepEqual(await pids(server, 'listener'), before);
  server.reload({ 'pgrest.workers': workers, 'pgrest.server_port': server.port });
});

for (const victim of ['executor', 'listener', 'launcher']) {
  test(`a terminated ${victim} is replaced`, async () => {
    await whole();
    const load = await begin();
    const [pid] = await pids(server, victim);
    const others = (await pids(server, 'executor')).filter((other) => other !== pid);
    await server.sql(`select pg_terminate_backend(${pid})`);
    await until('another', async () => {
      const now = await pids(server, victim);
      return now.length > 0 && !now.includes(pid);
    });
    await answersAgain(load);
    assert.deepEqual(await load.end(LOSSES), []);
    await whole();
    // nobody else ended, unless the new launcher replaced them
    if (victim !== 'launcher') for (const other of others) assert.ok((await pids(server, 'executor')).includes(other));
    await until('clean memory', () => isClean(server));
  });
}

test('a write that runs while its listener is terminated is not answered with an error and carried out all the same', async () => {
  await server.sql('truncate api.log');
  const connection = server.connect();
  const body = JSON.stringify({ command: 'insert into api.log select 1 from pg_sleep(2)' });
  connection.write(`POST /rpc/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until('it to run', async () => (await server.sql(`select count(*) from pgrest.workers where request = 'POST /rpc/run'`)) === '1');
  const [listener] = await pids(server, 'listener');
  await server.sql(`select pg_terminate_backend(${listener})`);
  await until('the connection to end', () => connection.closed);
  assert.equal(connection.received, '');
  await until('the row', async () => (await server.sql('select count(*) from api.log')) === '1');
  await whole();
});

test('a read that runs while its listener is terminated is cancelled and answered', async () => {
  const answer = server.get('/rpc/nap?seconds=60');
  await until('it to run', async () => (await server.sql(`select count(*) from pgrest.workers where request = 'GET /rpc/nap'`)) === '1');
  const [listener] = await pids(server, 'listener');
  await server.sql(`select pg_terminate_backend(${listener})`);
  const { status, body } = await answer;
  assert.deepEqual([status, body.code], [503, '57P01']);
  await until('it to be cancelled', () => isClean(server));
  await whole();
});

test('requests that come to their end just when their listener stops: it ends by itself, and what it refuses is not carried out', async () => {
  await whole();
  await server.sql('truncate api.log');
  server.reload({ 'pgrest.shutdown_timeout': 0, 'pgrest.server_trace_header': 'x-mode-0' });
  await until('the settings', async () => (await server.get('/items', { headers: { 'x-mode-0': 'on' } })).headers.get('x-mode-0') === 'on');
  const [listener] = await pids(server, 'listener');
  // it reads a piece of each at a time
  const bodies = Array.from({ length: 24 }, (_, n) => JSON.stringify({ id: n }).padEnd((n + 1) * 8192));
  const connections = bodies.map((body) => {
    const connection = server.connect();
    connection.write(`POST /log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n `);
    return connection;
  });
  await sleep(200);
  process.kill(listener, 'SIGSTOP');
  connections.forEach((connection, n) => connection.write(bodies[n].slice(0, -1)));
  await sleep(200);
  process.kill(listener, 'SIGTERM');
  process.kill(listener, 'SIGCONT');
  await until('the connections to end', () => connections.every((connection) => connection.closed));
  await whole();
  assert.doesNotMatch(server.log(), /libmicrohttpd gave up/);
  const carried_out = new Set((await server.sql('select id from api.log')).split('\n'));
  const answered = connections.flatMap((connection, n) => connection.answers().map((answer) => ({ n, ...answer })));
  assert.ok(answered.length > 0);
  for (const { n, status, body } of answered) {
    assert.deepEqual([status, JSON.parse(body).code], [503, '57P01']);
    assert.ok(!carried_out.has(String(n)));
  }
  await until('clean memory', () => isClean(server));
  server.reload({ 'pgrest.shutdown_timeout': '500ms', 'pgrest.server_trace_header': '' });
});

test('executors that are never idle are replaced all the same, and let go in a pause', async () => {
  await whole();
  const seen = new Set();
  let over = false;
  let answered = 0;
  const client = async () => {
    while (!over) {
      const { status, body } = await server.get('/rpc/nap?seconds=0.02');
      seen.add(`${status} ${body.code ?? body}`);
      answered++;
    }
  };
  const clients = Promise.all(Array.from({ length: 12 * workers }, client));
  await until('the queue to be long', async () => Number(await server.sql('select waiting from pgrest.queue')) > 5 * workers);
  const before = await pids(server, 'executor');
  server.reload({ 'pgrest.server_trace_header': 'x-other' });
  await until('all to be others', async () => {
    const now = await pids(server, 'executor');
    return now.length === workers && !now.some((pid) => before.includes(pid));
  });
  // nobody noticed
  assert.deepEqual([...seen], ['200 slept']);
  await server.sql(`set statement_timeout = '20s'; select pgrest.pause()`);
  assert.deepEqual(await pids(server, 'executor'), []);
  await server.sql('select pgrest.resume()');
  const so_far = answered;
  await until('answers', () => answered > so_far + 100 && seen.size > 1);
  over = true;
  await clients;
  assert.deepEqual([...seen].sort(), ['200 slept', '503 PGRST000']);
  await whole();
  await until('clean memory', () => isClean(server));
  server.reload({ 'pgrest.server_trace_header': '' });
});

test('a pause that waits for a request ends with an error when pgrest is resumed', async () => {
  await whole();
  const busy = server.get('/rpc/nap?seconds=2');
  await until('it to run', async () => (await server.sql(`select count(*) from pgrest.workers where request = 'GET /rpc/nap'`)) === '1');
  const pause = server.sql('select pgrest.pause()').then(() => 'paused', (error) => error.stderr);
  await until('the pause', async () => (await server.sql(`select state from pgrest.workers where kind = 'launcher'`)) === 'paused');
  assert.equal(await server.sql('select pgrest.resume()'), 't');
  assert.match(await pause, /pgrest was resumed before it had let go of the database/);
  assert.equal((await busy).body, 'slept');
  await whole();
});

test('while an executor reads the settings in the database, the others take what comes', async () => {
  await whole();
  await server.sql(`create schema slow; grant usage on schema slow to authenticator;
    create function slow.settings() returns void language plpgsql as $$ begin
      while pg_try_advisory_xact_lock(4712) loop perform pg_sleep(0.01); end loop; end $$`);
  server.reload({ 'pgrest.db_pre_config': 'slow.settings' });
  const reading = () => server.sql(`select count(*) from pg_locks where locktype = 'advisory' and objid = 4712`);
  await until('one to read them', async () => (await reading()) === '1');
  for (let n = 1; n <= 2 * workers; n++) assert.equal((await server.get(`/items?id=eq.${n}`)).body[0].id, n);
  assert.equal(await reading(), '1');
  server.reload({ 'pgrest.db_pre_config': '' });
  await server.sql(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 4712`);
  await whole();
});

test('settings in the database that are read slowly do not come after those of a later reload', async () => {
  await whole();
  await server.sql(`create schema late; grant usage on schema late to authenticator;
    create function late.slow() returns void language plpgsql as $$ begin
      perform pg_advisory_xact_lock_shared(4713), set_config('pgrst.db_max_rows', '3', true); end $$;
    create function late.fast() returns void language plpgsql as $$ begin perform set_config('pgrst.db_max_rows', '2', true); end $$`);
  const holder = server.sql(`begin; select pg_advisory_xact_lock(4713); do $$ begin while not exists (select from pg_locks where locktype = 'advisory' and objid = 4714) loop perform pg_sleep(0.02); end loop; end $$`);
  const waiting = () => server.sql(`select count(*) from pg_locks where locktype = 'advisory' and objid = 4713 and not granted`);
  await until('the lock', async () => (await server.sql(`select count(*) from pg_locks where locktype = 'advisory' and objid = 4713`)) === '1');
  server.reload({ 'pgrest.db_pre_config': 'late.slow' });
  await until('one to read them slowly', async () => (await waiting()) === '1');
  server.reload({ 'pgrest.db_pre_config': 'late.fast' });
  await until('the later settings', async () => (await server.get('/items')).body.length === 2);
  await server.sql(`begin; select pg_advisory_xact_lock(4714), pg_sleep(0.2)`);
  await holder;
  await until('the slow one to be done', async () => (await waiting()) === '0');
  await whole();
  assert.equal((await server.get('/items')).body.length, 2);
  assert.equal(await server.sql(`select jsonb_array_length((pgrest.request('GET', '/items')).body::jsonb)`), '2');
  server.reload({ 'pgrest.db_pre_config': '' });
  await until('the settings to go', async () => (await server.get('/items')).body.length === 10);
});

test('an executor that ends while it reads the settings in the database: another reads them', async () => {
  await server.sql(`create table api.slowly (); create schema conf; grant usage on schema conf, api to authenticator; grant select on api.slowly to authenticator;
    create function conf.settings() returns void language plpgsql as $$ begin
      if has_table_privilege('api.slowly', 'select') then perform pg_sleep(60); end if;
      perform set_config('pgrst.db_max_rows', '2', true);
    end $$`);
  server.reload({ 'pgrest.db_pre_config': 'conf.settings' });
  const reading = () => server.sql(`select max(pid) from pg_stat_activity where backend_type = 'pgrest executor' and wait_event = 'PgSleep'`);
  await until('one to read them', async () => (await reading()) !== '');
  await server.sql('revoke select on api.slowly from authenticator');
  await server.sql(`select pg_terminate_backend(${await reading()})`);
  await until('the settings', async () => (await server.get('/items')).body.length === 2);
  server.reload({ 'pgrest.db_pre_config': '' });
  await until('the settings to go', async () => (await server.get('/items')).body.length === 10);
});
