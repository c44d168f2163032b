// A write that was committed is never answered with an error, even when its answer cannot be delivered.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOAD_SQL, isClean, pids } from './load.mjs';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.body_memory': '1MB' });
  await server.sql(`create extension pgrest; ${LOAD_SQL}`);
});
after(() => server?.drop());

for (const [what, end] of [
  ['terminated', 'pg_terminate_backend'],
  ['cancelled', 'pg_cancel_backend'],
]) {
  test(`the executor is ${what} while the answer waits for memory, before the client has got any of it`, async () => {
    await server.sql('truncate api.log');
    const [listener] = await pids(server, 'listener');
    const [executor] = await pids(server, 'executor');
    const connection = server.connect();
    const body = JSON.stringify({ query: `with i as (insert into api.log values (1) returning id) select repeat('x', 3000000) from i, pg_sleep(1)` });
    connection.write(`POST /rpc/value HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until('it to run', async () => (await server.sql('select running from pgrest.queue')) === '1');
    process.kill(listener, 'SIGSTOP');
    try {
      await until('the row', async () => (await server.sql('select count(*) from api.log')) === '1');
      await until('the memory to be used up', async () => (await server.sql('select body_memory_used > body_memory / 2 from pgrest.queue')) === 't');
      await server.sql(`select ${end}(${executor})`);
      await until('it to end', async () => (await server.sql('select running from pgrest.queue')) === '0');
    } finally {
      process.kill(listener, 'SIGCONT');
    }
    await until('the connection to end', () => connection.closed);
    assert.equal(connection.received, '');
    await server.ready();
    await until('clean memory', () => isClean(server));
  });
}
