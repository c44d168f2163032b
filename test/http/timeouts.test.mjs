// PostgreSQL's timeouts: those of statements end the request that they belong to and no other; those of idle sessions
// leave executors alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOAD_SQL, Load, pids } from './load.mjs';
import { Server, sleep, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({
    'pgrest.workers': 1,
    'pgrest.db_hoisted_tx_settings': 'statement_timeout, lock_timeout',
    idle_session_timeout: '50ms',
    idle_in_transaction_session_timeout: '50ms',
    deadlock_timeout: '10ms',
  });
  await server.sql(`create extension pgrest; ${LOAD_SQL}
    create role hasty; grant hasty to authenticator; grant usage on schema api to hasty; grant all on all tables in schema api to hasty;
    alter role hasty set statement_timeout = '100ms'; alter role hasty set lock_timeout = '50ms';
    create function api.hasty_sleep(seconds float8) returns text stable language plpgsql set statement_timeout = '100ms' as $$
      begin perform pg_sleep(seconds); return 'slept'; end $$;
    create function api.hasty_lock() returns text volatile language plpgsql set lock_timeout = '50ms' as $$
      begin lock table api.items in share mode; return 'locked'; end $$;
    create function api.caught() returns text volatile language plpgsql as $$
      begin perform pg_sleep(10); return 'slept'; exception when query_canceled then return 'caught'; end $$`);
});
after(() => server?.drop());

const hasty = { claims: { role: 'hasty' } };
const outcome = async (promise) => {
  const { status, body } = await promise;
  return [status, body.code ?? body];
};

// The executor goes on, and nothing of the timeout is left.
async function goesOn(executor) {
  for (let n = 0; n < 3; n++) assert.deepEqual(await outcome(server.get('/rpc/nap?seconds=0.2')), [200, 'slept']);
  assert.deepEqual(await pids(server, 'executor'), executor);
}

// Holds a lock on the table for as long as the function runs.
async function locked(run) {
  const session = server.sql('begin; lock table api.items; select pg_sleep(1.5)');
  await until('the lock', async () => (await server.sql(`select count(*) from pg_locks where relation = 'api.items'::regclass and mode = 'AccessExclusiveLock'`)) === '1');
  await run();
  await session;
}

for (const [what, send] of [
  ['a role', () => server.get('/rpc/nap?seconds=20', hasty)],
  ['a function', () => server.get('/rpc/hasty_sleep?seconds=20')],
]) {
  test(`statement_timeout of ${what}`, async () => {
    const executor = await pids(server, 'executor');
    for (let n = 0; n < 3; n++) assert.deepEqual(await outcome(send()), [500, '57014']);
    await goesOn(executor);
  });
}

test('lock_timeout of a role, and of a function', async () => {
  const executor = await pids(server, 'executor');
  await locked(async () => {
    assert.deepEqual(await outcome(server.post('/rpc/run', { command: 'lock table api.items in share mode' }, hasty)), [500, '55P03']);
    assert.deepEqual(await outcome(server.post('/rpc/hasty_lock')), [500, '55P03']);
  });
  assert.deepEqual(await outcome(server.post('/rpc/hasty_lock')), [200, 'locked']);
  await goesOn(executor);
});

test('a timeout that the request catches is not the next one\'s', async () => {
  const executor = await pids(server, 'executor');
  assert.deepEqual(await outcome(server.post('/rpc/caught', {}, hasty)), [200, 'caught']);
  await goesOn(executor);
});

test('a request that fails at once leaves no timeout behind', async () => {
  const executor = await pids(server, 'executor');
  for (let n = 0; n < 5; n++) assert.equal((await server.post('/rpc/value', { query: 'select 1/0' }, hasty)).status, 400);
  await goesOn(executor);
});

test('requests that end just as their timeout does', async () => {
  const executor = await pids(server, 'executor');
  const seen = new Set();
  for (let n = 0; n < 50; n++) {
    seen.add((await outcome(server.get(`/rpc/nap?seconds=${0.095 + Math.random() * 0.01}`, hasty))).join(' '));
    assert.deepEqual(await outcome(server.get('/rpc/nap?seconds=0.001')), [200, 'slept']);
  }
  for (const outcome of seen) assert.ok(['200 slept', '500 57014'].includes(outcome), outcome);
  assert.deepEqual(await pids(server, 'executor'), executor);
});

test('the timeouts of idle sessions end no executor, and disturb no request', async () => {
  const executor = await pids(server, 'executor');
  const load = new Load(server, { clients: 1 });
  await until('answers', () => load.count('right') > 50);
  assert.deepEqual(await load.end(), []);
  await sleep(300);
  await goesOn(executor);
});

test('statement_timeout and lock_timeout of the server', async () => {
  const executor = await pids(server, 'executor');
  server.reload({ statement_timeout: '300ms', lock_timeout: '100ms' });
  await until('another executor', async () => ![executor[0], undefined].includes((await pids(server, 'executor'))[0]));
  await server.ready();
  assert.deepEqual(await outcome(server.get('/rpc/nap?seconds=20')), [500, '57014']);
  const now = await pids(server, 'executor');
  const session = server.sql(`set statement_timeout = 0; begin; lock table api.items; select pg_sleep(1.5)`).catch(() => {});
  await until('the lock', async () => (await server.sql(`select count(*) from pg_locks where relation = 'api.items'::regclass and mode = 'AccessExclusiveLock'`)) === '1');
  assert.deepEqual(await outcome(server.post('/rpc/run', { command: 'lock table api.items in share mode' })), [500, '55P03']);
  await session;
  await goesOn(now);
});
