// A cancel that comes late must not reach the next request: clients that leave around the end of their request, and
// signals between two requests.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOAD_SQL, Load, isClean, pids } from './load.mjs';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.cancel_on_disconnect': 'all' });
  await server.sql(`create extension pgrest; ${LOAD_SQL}`);
});
after(() => server?.drop());

const noted = () => server.log().match(/noted \d+$/gm)?.length ?? 0;

test('thousands of clients leave around the end of their request: those who follow are answered', async () => {
  const executors = await pids(server, 'executor');
  const rounds = 2000;
  let left = 0;
  let followed = 0;
  let over = false;
  // a request whose client leaves is cancelled 10 ms after it came at the earliest
  const leave = (n) =>
    new Promise((resolve) => {
      const connection = server.connect();
      connection.socket.on('close', resolve);
      connection.socket.on('connect', () => {
        connection.write(`GET /rpc/note?n=${n}&seconds=${0.002 + Math.random() * 0.015} HTTP/1.1\r\nHost: x\r\n\r\n`);
        setTimeout(() => connection.end(), Math.random() * 25);
      });
    });
  const leaver = async () => {
    while (left < rounds) await leave(++left);
  };
  const follower = async () => {
    while (!over) {
      const n = ++followed;
      const { status, text } = await server.get(`/rpc/echo?n=${n}`);
      assert.deepEqual([status, text], [200, String(n)]);
    }
  };
  const followers = Promise.all([follower(), follower(), follower()]);
  await Promise.all(Array.from({ length: 4 }, leaver));
  over = true;
  await followers;
  await until('clean memory', () => isClean(server));
  const finished = noted();
  // else nothing was tested
  assert.ok(finished > rounds / 50 && finished < rounds - rounds / 50, `${finished} of ${rounds} requests came to their end`);
  assert.deepEqual(await pids(server, 'executor'), executors);
});

const storm = (signals) => server.sql(`select count(pg_cancel_backend(pid)) from pg_stat_activity, generate_series(1, ${signals}) where backend_type = 'pgrest executor'`);

test('signals between two requests cancel neither', async () => {
  const executors = await pids(server, 'executor');
  for (let round = 0; round < 20; round++) {
    await storm(500);
    const answers = await Promise.all([1, 2, 3, 4].map((n) => server.get(`/rpc/note?n=${n}&seconds=0.001`)));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
  }
  assert.deepEqual(await pids(server, 'executor'), executors);
});

test('a storm of signals: requests are answered or cancelled with 57014 and 500, and the executors live on', async () => {
  const executors = await pids(server, 'executor');
  const load = new Load(server, { clients: 2 });
  for (let round = 0; round < 10 || load.count('500 57014') < 5; round++) await storm(5);
  await until('many answers', () => load.count('right') > 200);
  assert.deepEqual(await load.end(['500 57014']), []);
  assert.deepEqual(await pids(server, 'executor'), executors);
  await until('clean memory', () => isClean(server));
});
