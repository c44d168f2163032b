// Many kinds of clients, friendly and hostile, DDL, cancels, terminations and reloads at the same time, for as long as
// you like; then it looks whether the server is as it was. script/soak starts it.
//   node soak.mjs [--minutes M] [--seed N] [--sanitized]      sanitized: memory says nothing, do not judge it
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Server, sleep, until } from '../http/server.mjs';
import { Client } from './ask.mjs';
import { keepsGrowing } from './growth.mjs';
import { descriptors, exists, memory, segments } from './processes.mjs';
import { Random } from './random.mjs';
import { Session } from './session.mjs';
import { Gate, Ledger, Tally, Traffic } from './traffic.mjs';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' }, sanitized: { type: 'boolean' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('--minutes is a number above 0, --seed an integer');

// A process may have grown by half and this much (kB) between the end of the warm-up and the end, and by more when its
// memory has come to rest before the end.
const TOLERANCE = { factor: 1.5, kB: minutes < 5 ? 16384 : 8192 };
// An executor's catalog caches grow with every name that clients make up; it is replaced when it holds this much (kB).
// Until that is noticed it may hold somewhat more.
// With the sanitizers an executor begins with as much.
const EXECUTOR_MEMORY = values.sanitized ? 1048576 : 65536;
// Kilobytes from one quarter of the second half to the next that are growth.
const STEP = 512;
// pid: kilobytes, from the end of the warm-up on
const watched = new Map();
const grewTooMuch = (row, old) => {
  if (row.kind === 'executor' && row.own > EXECUTOR_MEMORY * 1.25 + TOLERANCE.kB) return true;
  return old && row.own > old.own * TOLERANCE.factor + TOLERANCE.kB && keepsGrowing(watched.get(row.pid) ?? [], { step: STEP });
};

const gate = new Gate();
const tally = new Tally();
const ledger = new Ledger();
let failed = 0;

function check(what, wrong) {
  const list = Array.isArray(wrong) ? wrong : wrong ? [wrong] : [];
  console.log(`${list.length === 0 ? 'ok' : 'not ok'} - ${what}`);
  for (const line of list.slice(0, 20)) console.log(`#   ${line}`);
  if (list.length > 20) console.log(`#   and ${list.length - 20} more`);
  if (list.length > 0) failed += 1;
}

const server = await Server.start(
  {
    'pgrest.workers': 4,
    'pgrest.listeners': 2,
    'pgrest.db_pool_max_lifetime': 86400,
    'pgrest.db_pool_acquisition_timeout': 20,
    'pgrest.executor_memory': `${EXECUTOR_MEMORY}kB`,
    max_connections: 50,
    log_line_prefix: '%m [%p] %b <%e> ',
    log_min_error_statement: 'panic',
  },
  readFileSync(new URL('schema.sql', import.meta.url), 'utf8'),
);
process.on('exit', () => server.drop());
const postmaster = Number(readFileSync(join(server.dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
const control = new Session(server);
await control.run('create extension pgrest');

async function processes() {
  const rows = await control.json('select pid, kind from pgrest.workers order by kind, pid');
  return [{ pid: postmaster, kind: 'postmaster' }, ...rows];
}

// Everybody stops, every connection is closed, nothing is on its way: what is left then is what it costs.
async function quiet() {
  gate.close();
  await until('the actors to pause', () => gate.inside === 0, 120000);
  client.disconnect();
  const empty = async () => {
    const [queue] = await control.json('select * from pgrest.queue');
    return queue.arriving + queue.waiting + queue.running + queue.answered + queue.body_memory_used === 0 ? undefined : JSON.stringify(queue);
  };
  let left;
  await until('an empty queue', async () => !(left = await empty()), 30000).catch(() => {});
  await until('idle executors', async () => (await control.run("select count(*) from pgrest.workers where kind = 'executor' and state = 'idle'")) === '4', 30000);
  const rows = await processes();
  const pids = rows.map((row) => row.pid);
  const sockets = () => rows.reduce((sum, { pid }) => sum + descriptors(pid).others, 0);
  let before = -1;
  await until('closed connections', () => before === (before = sockets()), 20000);
  await sleep(500);
  return {
    left,
    rows: rows.map(({ pid, kind }) => ({ pid, kind, ...memory(pid), ...descriptors(pid) })),
    segments: segments(pids),
    temporary: temporaryFiles(),
  };
}

function temporaryFiles() {
  try {
    return readdirSync(join(server.dir, 'data', 'base', 'pgsql_tmp'));
  } catch {
    return [];
  }
}

const client = new Client(server.port);
const actorsSession = new Session(server);
const traffic = new Traffic({ client, gate, tally, ledger, session: actorsSession, random: new Random(seed), port: server.port });

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    stopping = true;
  });

// One process of a kind is not terminated from now on: its memory is compared.
const spare = async (kind) => traffic.spared.set(Number(await control.run(`select min(pid) from pgrest.workers where kind = '${kind}'`)), kind);

// Every row, id to content. In pieces: all of them in one JSON text could be more than PostgreSQL takes.
async function journal() {
  const found = new Map();
  for (let last = ''; last !== undefined; ) {
    const rows = await control.json(`select id, content from api.journal where id > '${last.replaceAll("'", "''")}' order by id limit 100000`);
    for (const { id, content } of rows) found.set(id, content);
    last = rows.at(-1)?.id;
  }
  return found;
}

// No reload any more, which would replace every executor, and those that the last one replaces are gone.
async function endReplacing() {
  traffic.replacing = false;
  await quiet();
  const now = await control.run('select now()');
  await control.run('select pgrest.reload()');
  await until('new executors', async () =>
    (await control.run(`select count(*) from pg_stat_activity where backend_type = 'pgrest executor' and backend_start > '${now}'`)) === '4' &&
    (await control.run("select count(*) from pgrest.workers where kind = 'executor'")) === '4', 30000);
  await spare('executor');
  gate.open();
}

await spare('listener');
console.log(`seed ${seed}, ${minutes} minutes, port ${server.port}`);
const total = minutes * 60000;
const begin = Date.now();
traffic.start();
let active = 0;
const watch = (pids) => {
  for (const pid of pids) {
    const { own } = memory(pid);
    if (own > 0) watched.set(pid, [...(watched.get(pid) ?? []), own]);
  }
};
const pass = async (share, pids = []) => {
  const start = Date.now();
  const end = start + total * share;
  let said = Date.now();
  let looked = 0;
  while (Date.now() < end && !stopping) {
    await sleep(200);
    if (Date.now() - looked > (total * share) / 200) {
      looked = Date.now();
      watch(pids);
    }
    if (Date.now() - said < 60000) continue;
    said = Date.now();
    console.log(`# ${((said - begin) / 60000).toFixed(0)} min: ${tally.counts.requests} requests, ${tally.counts['hostile requests']} hostile, ${tally.problemCount} problems`);
  }
  active += (Date.now() - start) / 1000;
};

await pass(0.3);
await endReplacing();
await pass(0.2);
const first = await quiet();
gate.open();
await pass(0.5, first.rows.map((row) => row.pid));
const last = await quiet();
gate.end();

// ---- what was done
const log = server.log();
console.log('# counts');
for (const [what, number] of Object.entries(tally.counts).sort()) console.log(`#   ${what}: ${number}`);
console.log(`#   hostile: answers by status: ${JSON.stringify(tally.statuses)}`);
console.log(`#   writes acknowledged: ${ledger.acknowledged}, refused: ${ledger.absent.size}, without an answer: ${ledger.unknown.size}`);
const rate = (what) => (tally.counts[what] / active).toFixed(0);
console.log(`#   ${rate('requests')} requests and ${rate('hostile requests')} hostile ones per second`);
console.log('# processes: memory of their own and resident, kB; descriptors of files and others; after the warm-up and at the end');
const before = new Map(first.rows.map((row) => [row.pid, row]));
for (const row of last.rows) {
  const old = before.get(row.pid);
  const spell = (r) => (r ? `${r.own} ${r.resident} ${r.files}+${r.others}` : 'started later');
  console.log(`#   ${row.kind}${traffic.spared.has(row.pid) ? ' (spared)' : ''}: ${spell(old)} -> ${spell(row)}`);
}
console.log(`#   dynamic shared memory, kB: ${first.segments.size} -> ${last.segments.size}`);

// ---- what must hold
check('every acknowledged write is in the database, and no refused one', ledger.compare(await journal()));
check('no row of a table with row security was forged', (await control.json('select id from api.notes where id > 300')).map((row) => `note ${row.id}`));
check('every answer was the right one', tally.problems.concat(tally.problemCount > tally.problems.length ? [`${tally.problemCount} problems in all`] : []));
check('few requests were disturbed', (tally.counts['requests that were disturbed'] ?? 0) > tally.counts.requests / 10 ? [`${tally.counts['requests that were disturbed']} of ${tally.counts.requests}`] : []);
check('no request, answer or body is left in shared memory', [first.left, last.left].filter(Boolean));
check('no temporary file is left', last.temporary);
check(
  'memory is bounded',
  values.sanitized ? [] : last.rows.filter((row) => grewTooMuch(row, before.get(row.pid))).map((row) => `${row.kind} ${row.pid}: ${before.get(row.pid)?.own} -> ${row.own} kB`),
);
check(
  'no descriptor leaks',
  last.rows
    .filter((row) => before.has(row.pid))
    .filter((row) => row.others > before.get(row.pid).others || row.files > before.get(row.pid).files + 100)
    .map((row) => `${row.kind} ${row.pid}: ${before.get(row.pid).files}+${before.get(row.pid).others} -> ${row.files}+${row.others}`),
);
check('dynamic shared memory does not grow', last.segments.size > first.segments.size ? [`${first.segments.size} -> ${last.segments.size} kB`] : []);
check(
  'the processes that nobody ended are still there, save executors that were replaced',
  [...traffic.spared].filter(([pid, kind]) => kind !== 'executor' && !last.rows.some((row) => row.pid === pid)).map(([pid, kind]) => `${kind} ${pid} is gone`),
);
check('sessions hold nothing between requests', (await control.json("select a.pid, state, (select count(*) from pg_locks l where l.pid = a.pid) as locks from pg_stat_activity a where backend_type = 'pgrest executor' and (xact_start is not null or backend_xmin is not null or exists (select from pg_locks l where l.pid = a.pid))")).map((row) => JSON.stringify(row)));
check(
  'the log has no crash, no internal error, no leaked resource',
  log.split('\n').filter((line) => /PANIC|terminated by signal|reinitializing|stack smashing|<XX\d{3}> (ERROR|FATAL)|cache lookup failed|reference leak|snapshot .* still active|WARNING: .*(leak|not closed)|AddressSanitizer/.test(line)),
);
await control.end();
await actorsSession.end();
server.cluster('stop');
check('the stopped server leaves no shared memory', last.segments.paths.filter(exists));
console.log(failed === 0 ? 'the server is as it was' : `${failed} checks failed; run again with --seed ${seed}`);
if (failed > 0) console.log(`# the log: ${log.split('\n').length} lines, the last of them:\n${log.split('\n').slice(-30).join('\n')}`);
process.exit(failed === 0 ? 0 : 1);
