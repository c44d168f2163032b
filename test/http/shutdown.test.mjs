// The server stops and crashes while clients are at it. Every request ends in the right answer,
// an error that docs/operations.md names, or a closed connection; what was acknowledged is in the database.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOAD_SQL, Load, control, isClean, isWhole, pids } from './load.mjs';
import { Server, until } from './server.mjs';

const workers = 3;
const losses = ['closed', '503 57P01', '503 PGRST000', '503 PGRST001', '503 57P03'];
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': workers, 'pgrest.shutdown_timeout': '500ms' });
  await server.sql(`create extension pgrest; ${LOAD_SQL}`);
});
after(() => server?.drop());

async function begin(options) {
  await server.sql('truncate api.log');
  const load = new Load(server, options);
  await until('the load to be under way', () => load.count('right') > 50);
  return load;
}

const answersAgain = async (load) => {
  const so_far = load.count('right');
  await until('right answers again', () => load.count('right') > so_far + 100, 30000);
};

const whole = () => until('all processes', () => isWhole(server, workers), 30000);

for (const mode of ['smart', 'fast', 'immediate']) {
  test(`${mode} shutdown and start`, async () => {
    const load = await begin();
    await control(server, 'stop', mode);
    await control(server, 'start');
    await answersAgain(load);
    assert.deepEqual(await load.end(losses), []);
    await whole();
    await until('clean memory', () => isClean(server));
  });
}

test('during a smart shutdown requests are served until the last session has ended', async () => {
  const load = await begin();
  const session = server.sql('select pg_sleep(1.5)');
  await until('the session', async () => (await server.sql(`select count(*) from pg_stat_activity where query = 'select pg_sleep(1.5)'`)) === '1');
  const stopped = control(server, 'stop', 'smart');
  await until('the shutdown to begin', () => server.log().includes('received smart shutdown request'));
  const so_far = load.count('right');
  await session;
  assert.ok(load.count('right') > so_far);
  await stopped;
  await control(server, 'start');
  assert.deepEqual(await load.end(losses), []);
});

for (const victim of ['executor', 'listener', 'unrelated session']) {
  test(`kill -9: ${victim}: the server starts anew with clean memory`, async () => {
    await whole();
    const load = await begin();
    const session = server.sql('select pg_sleep(60)').catch(() => 'gone');
    const find = async () => (victim === 'unrelated session' ? (await server.sql(`select pid from pg_stat_activity where query = 'select pg_sleep(60)'`)) : (await pids(server, victim))[0]);
    await until('the victim', async () => Boolean(await find()));
    process.kill(Number(await find()), 'SIGKILL');
    assert.equal(await session, 'gone');
    await answersAgain(load);
    assert.deepEqual(await load.end(losses), []);
    await whole();
    await until('clean memory', () => isClean(server));
  });
}

test('a pause ends with a crash', async () => {
  await whole();
  await server.sql('select pgrest.pause()');
  assert.equal((await server.get('/items')).body.details, 'pgrest is paused');
  const [listener] = await pids(server, 'listener');
  process.kill(listener, 'SIGKILL');
  await whole();
});
