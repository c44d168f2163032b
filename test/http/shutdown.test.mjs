// The server stops and crashes while clients are at it. Every request ends in the right answer,
// an error that docs/operations.md names, or a closed connection; what was acknowledged is in the database.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LOAD_SQL, LOSSES, answersAgain, beginLoad, control, isClean, pids, untilWhole } from './load.mjs';
import { Server, until } from './server.mjs';

const workers = 3;
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': workers, 'pgrest.shutdown_timeout': '500ms' });
  await server.sql(`create extension pgrest; ${LOAD_SQL}
    create view api.flood as select n, repeat('x', 1000) from generate_series(1, 10000000) n; grant select on api.flood to anon`);
});
after(() => server?.drop());

const begin = (options) => beginLoad(server, options);
const whole = () => untilWhole(server, workers);

for (const mode of ['smart', 'fast', 'immediate']) {
  test(`${mode} shutdown and start`, async () => {
    const load = await begin();
    await control(server, 'stop', mode);
    await control(server, 'start');
    await answersAgain(load);
    assert.deepEqual(await load.end(LOSSES), []);
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
  assert.deepEqual(await load.end(LOSSES), []);
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
    assert.deepEqual(await load.end(LOSSES), []);
    await whole();
    await until('clean memory', () => isClean(server));
  });
}

for (const [what, stop] of [
  ['kill -9 of its executor', async () => process.kill(Number(await server.sql(`select pid from pgrest.workers where request = 'GET /flood'`)), 'SIGKILL')],
  ['an immediate shutdown', () => control(server, 'stop', 'immediate')],
  ['a fast shutdown', () => control(server, 'stop', 'fast')],
]) {
  test(`a streamed answer in the middle of ${what} is not complete`, async () => {
    await whole();
    const connection = server.connect();
    let head = '';
    let tail = '';
    let size = 0;
    connection.socket.removeAllListeners('data').on('data', (data) => {
      head = (head + data).slice(0, 1000);
      tail = (tail + data).slice(-100);
      size += data.length;
    });
    connection.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('the stream', () => size > 5e6);
    await stop();
    await until('the connection to end', () => connection.closed);
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n[^]*Transfer-Encoding: chunked/);
    assert.doesNotMatch(tail, /\r\n0\r\n\r\n$/);
    if (what !== 'kill -9 of its executor') await control(server, 'start');
    await whole();
    await until('clean memory', () => isClean(server));
  });
}

test('kill -9 of the postmaster: every process of pgrest ends, and the server can be started', async () => {
  await whole();
  const load = await begin();
  const all = (await server.sql('select pid from pgrest.workers')).split('\n').map(Number);
  assert.equal(all.length, workers + 2);
  const alive = (pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  process.kill(Number(readFileSync(join(server.dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
  await until('all to end', () => !all.some(alive));
  await control(server, 'start');
  await answersAgain(load);
  assert.deepEqual(await load.end(LOSSES), []);
  await whole();
  await until('clean memory', () => isClean(server));
});

test('a pause ends with a crash', async () => {
  await whole();
  await server.sql('select pgrest.pause()');
  assert.equal((await server.get('/items')).body.details, 'pgrest is paused');
  const [listener] = await pids(server, 'listener');
  process.kill(listener, 'SIGKILL');
  await whole();
});
