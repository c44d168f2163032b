// Requests whose client leaves: which are cancelled, where they are at that moment, and that nobody else is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOAD_SQL, isClean, pids } from './load.mjs';
import { Server, sleep, until } from './server.mjs';

const slots = 8; // the least that there is
let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.queue_size': slots, 'pgrest.db_pool_acquisition_timeout': 60 });
  await server.sql(`create extension pgrest; ${LOAD_SQL}`);
});
after(() => server?.drop());

let number = 0;
const noted = (n) => server.log().includes(`noted ${n}\n`);
const waiting = () => server.sql('select waiting from pgrest.queue').then(Number);
const used = () => server.sql('select arriving + waiting + running + answered from pgrest.queue').then(Number);
const rows = (id) => server.sql(`select count(*) from api.log where id = ${id}`).then(Number);

function send(method, path, body = '') {
  const connection = server.connect();
  const type = body && 'Content-Type: application/json\r\n';
  connection.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`);
  return connection;
}
const read = (n, seconds = 0) => send('GET', `/rpc/note?n=${n}&seconds=${seconds}`);
const write = (n, seconds = 0) => send('POST', '/rpc/run', JSON.stringify({ command: `insert into api.log select ${n} from pg_sleep(${seconds})` }));

async function mode(value) {
  const [executor] = await pids(server, 'executor');
  const header = `x-mode-${value}`;
  server.reload({ 'pgrest.cancel_on_disconnect': value, 'pgrest.server_trace_header': header });
  await until('the new setting', async () => (await server.get('/items', { headers: { [header]: 'on' } })).headers.get(header) === 'on');
  // a reload replaces the executor
  await until('the new executor', async () => ![executor, undefined].includes((await pids(server, 'executor'))[0]));
  await server.ready();
}

const executorIsBusy = () => until('it to run', async () => (await server.sql(`select count(*) from pgrest.workers where kind = 'executor' and state = 'running'`)) === '1');

// Makes the one executor busy until the result is called.
async function occupy() {
  const lock = 4711;
  const busy = server.post('/rpc/run', { command: `do 'begin while not exists (select from pg_locks where locktype = ''advisory'' and objid = ${lock}) loop perform pg_sleep(0.01); end loop; end'` });
  await executorIsBusy();
  return async () => {
    await server.sql(`do 'begin perform pg_advisory_xact_lock(${lock}); perform pg_sleep(0.1); end'`);
    assert.equal((await busy).status, 200);
  };
}

test('in the queue: reads are taken out, writes are carried out, with a slot or waiting for one', async () => {
  await mode('reads');
  const release = await occupy();
  const first = number + 1;
  const reads = Array.from({ length: slots + 3 }, () => read(++number));
  await until('the table to be full', async () => (await used()) === slots);
  for (const connection of reads) connection.end();
  await until('the reads to be forgotten', async () => (await used()) === 1 && (await waiting()) === 0);
  const written = Array.from({ length: slots + 3 }, () => ++number);
  const writes = written.map((n) => write(n));
  await until('the table to be full', async () => (await used()) === slots);
  for (const connection of writes) connection.end();
  await sleep(100);
  assert.equal(await used(), slots);
  await release();
  for (const n of written) await until(`row ${n}`, async () => (await rows(n)) === 1);
  for (let n = first; n < first + slots + 3; n++) assert.ok(!noted(n), `read ${n} was run`);
  await until('clean memory', () => isClean(server));
});

test('reads: a running read is cancelled, a running write goes on', async () => {
  await mode('reads');
  const reading = read(++number, 30);
  await executorIsBusy();
  reading.end();
  await until('it to be cancelled', () => isClean(server), 5000);
  assert.ok(!noted(number));
  const writing = write(++number, 0.5);
  await executorIsBusy();
  writing.end();
  await until('the row', async () => (await rows(number)) === 1);
});

test('all: writes are cancelled too, in the queue and running', async () => {
  await mode('all');
  const running = write(++number, 30);
  await executorIsBusy();
  const queued = write(++number);
  await until('the other to wait', async () => (await waiting()) === 1);
  queued.end();
  await until('the one in the queue to be gone', async () => (await waiting()) === 0);
  running.end();
  await until('the running one to be cancelled', () => isClean(server), 5000);
  assert.deepEqual([await rows(number), await rows(number - 1)], [0, 0]);
});

test('off: nothing is cancelled', async () => {
  await mode('off');
  const running = read(++number, 0.5);
  await executorIsBusy();
  const queued = read(++number);
  await until('the other to wait', async () => (await waiting()) === 1);
  queued.end();
  running.end();
  await until('both to have run', () => noted(number - 1) && noted(number));
  await until('clean memory', () => isClean(server));
});

// Kept-alive connections, by the listener that has them.
async function connections_by_listener(wanted) {
  const counts = async () => (await server.sql(`select requests from pgrest.workers where kind = 'listener' order by pid`)).split('\n').map(Number);
  const found = [[], []];
  for (let n = 0; n < 100 && (found[0].length < wanted || found[1].length < wanted); n++) {
    const before = await counts();
    const connection = server.connect();
    connection.write('GET /rpc/echo?n=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection.take(1);
    const now = await counts();
    found[now[0] > before[0] ? 0 : 1].push(connection);
  }
  return found;
}

test('a slot that one listener frees is given to a request that waits for one at another', async () => {
  await mode('reads');
  await server.restart({ 'pgrest.listeners': 2 });
  await server.ready();
  const [ours, theirs] = await connections_by_listener(slots - 1);
  const release = await occupy();
  for (const connection of ours.slice(0, slots - 1)) connection.write('GET /rpc/echo?n=2 HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the table to be full', async () => (await used()) === slots);
  theirs[0].write('GET /rpc/echo?n=3 HTTP/1.1\r\nHost: x\r\n\r\n');
  await sleep(200);
  for (const connection of ours) connection.end();
  await until('it to have a slot', async () => (await used()) === 2);
  await release();
  assert.equal((await theirs[0].take(2))[1].body, '3');
  for (const connection of theirs) connection.end();
  await until('clean memory', () => isClean(server));
});
