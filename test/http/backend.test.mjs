// An executor is a backend like any other: in the statistics views, in the log, for VACUUM, DDL and extensions.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

const PREFIX = '|%b|%p|%u|%d|%a|%i|%e|%x|%Q|';

let server;
before(async () => {
  server = await Server.start({
    shared_preload_libraries: 'pg_stat_statements,pgrest',
    session_preload_libraries: 'auto_explain',
    'pgrest.workers': 2,
    'pg_stat_statements.track': 'top',
    compute_query_id: 'on',
    autovacuum: 'off',
    log_line_prefix: PREFIX,
  });
  await server.sql('create extension pg_stat_statements', 'app');
});
after(() => server?.drop());

const clerk = { claims: { role: 'clerk' } };
const MINE = `backend_type = 'pgrest executor'`;
const activity = async (columns, where = 'true') =>
  JSON.parse(await server.sql(`select coalesce(json_agg(a), '[]') from (select ${columns} from pg_stat_activity where ${MINE} and ${where} order by pid) a`));

// What a request shows of itself while it runs.
async function whileItNaps(look) {
  const answer = server.get('/rpc/nap?seconds=600', clerk);
  try {
    await until('the request to run', async () => (await activity('pid', `wait_event = 'PgSleep'`)).length === 1);
    await look();
  } finally {
    await server.sql(`select pg_cancel_backend(pid) from pg_stat_activity where ${MINE} and state = 'active'`);
    await answer;
  }
}

// The lines that the server has logged since; prefix fields by name.
const lines = (from) =>
  server.log().slice(from).split('\n').filter((line) => line.startsWith('|')).map((line) => {
    const [, type, pid, user, database, application, tag, sqlstate, transaction, query, text] = line.split('|');
    return { type, pid, user, database, application, tag, sqlstate, transaction, query, text };
  });
// Changes settings and waits until both executors, which are replaced for it, have them.
async function reload(settings) {
  const now = await server.sql('select clock_timestamp()');
  server.reload(settings);
  const executors = (where) => server.sql(`select count(*) from pg_stat_activity where ${MINE} and ${where}`);
  await until('new executors', async () => (await executors(`backend_start > '${now}'`)) === '2' && (await executors('true')) === '2');
}

// Changes settings and gives what one request then logs.
async function logged(settings, request, wanted) {
  await reload(settings);
  let found = [];
  await until(`${wanted} in the log`, async () => {
    const from = server.log().length;
    await request();
    found = lines(from).filter((line) => line.type === 'pgrest executor');
    return found.some((line) => wanted.test(line.text));
  });
  return found.filter((line) => wanted.test(line.text));
}

// --- statistics ----------------------------------------------------------------------------------------------

// First, since executors that a reload replaces count for themselves.
test('pg_stat_database counts a request as one transaction', async () => {
  const columns = ['xact_commit', 'xact_rollback', 'tup_inserted', 'tup_updated', 'tup_deleted', 'tup_fetched', 'temp_files'];
  // read in another database, whose transactions do not count
  const counts = async () => JSON.parse(await server.sql(`select row_to_json(s) from (select ${columns} from pg_stat_database where datname = 'app') s`, 'postgres'));
  const settled = async () => {
    let last;
    await until('the counts to settle', async () => {
      const found = await counts();
      const same = JSON.stringify(found) === JSON.stringify(last);
      last = found;
      // what is held back is reported after a second of idleness
      if (!same) await new Promise((resolve) => setTimeout(resolve, 1300));
      return same;
    });
    return last;
  };
  // PostgreSQL keeps counts of transactions back until a table has been read: let both executors read one
  await server.sql(`create view api.drowsy as select id, pg_sleep(1)::text from api.items where id = 1; grant select on api.drowsy to anon`);
  const both = Promise.all([server.get('/drowsy'), server.get('/drowsy')]);
  await until('both executors to read', async () => (await activity('pid', `wait_event = 'PgSleep'`)).length === 2);
  await both;
  const begin = await settled();
  for (let i = 0; i < 20; ++i) assert.equal((await server.get('/items?id=eq.1')).status, 200);
  for (let i = 0; i < 5; ++i) assert.equal((await server.post('/items', { id: 100 + i, name: 'x' })).status, 201);
  for (let i = 0; i < 5; ++i) assert.equal((await server.send('PATCH', `/items?id=eq.${100 + i}`, { body: { name: 'y' } })).status, 204);
  for (let i = 0; i < 5; ++i) assert.equal((await server.send('DELETE', `/items?id=eq.${100 + i}`)).status, 204);
  for (let i = 0; i < 7; ++i) assert.equal((await server.post('/items', { id: 1, name: 'twice' })).status, 409);
  const end = await settled();
  const grown = Object.fromEntries(columns.map((name) => [name, end[name] - begin[name]]));
  assert.equal(grown.xact_commit, 35);
  assert.equal(grown.xact_rollback, 7);
  assert.equal(grown.tup_inserted, 5 + 7);
  assert.equal(grown.tup_updated, 5);
  assert.equal(grown.tup_deleted, 5);
  assert.ok(grown.tup_fetched >= 20);
});

test('pg_stat_activity: idle', async () => {
  await server.get('/items');
  await until('idleness', async () => (await activity('pid', `state = 'idle'`)).length === 2);
  for (const row of await activity(`usename, datname, state, wait_event_type, xact_start, backend_xid, backend_xmin, query_start is null or query_start <= now() as in_order, client_addr, application_name`)) {
    assert.match(row.application_name, /^pgrest \d/);
    delete row.application_name;
    assert.deepEqual(row, {
      usename: 'authenticator', datname: 'app', state: 'idle', wait_event_type: 'Extension', xact_start: null, backend_xid: null,
      backend_xmin: null, in_order: true, client_addr: null,
    });
  }
});

test('pg_stat_activity: running', async () => {
  await server.get('/items');
  const begin = await server.sql('select clock_timestamp()');
  await whileItNaps(async () => {
    const [row] = await activity(
      `state, query, wait_event_type, wait_event, query_id is not null as has_query_id, backend_xmin is not null as has_xmin,
       query_start > '${begin}' and query_start <= clock_timestamp() as query_began, xact_start >= query_start as transaction_began`,
      `state <> 'idle'`,
    );
    assert.deepEqual(row, {
      state: 'active', query: 'GET /rpc/nap', wait_event_type: 'Timeout', wait_event: 'PgSleep', has_query_id: true, has_xmin: true,
      query_began: true, transaction_began: true,
    });
    const shown = await server.sql(`set role clerk; select distinct query from pg_stat_activity where usename = 'authenticator'`);
    assert.match(shown, /<insufficient privilege>$/);
  });
});

test('pg_stat_activity: bytes of a path that are no ASCII', async () => {
  const connection = server.connect();
  connection.write(`GET /\xc3\xa9\xf0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await connection.take();
  connection.end();
  const connection2 = server.connect();
  connection2.write(`GET /d\xc3\xa9j\xc3\xa0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  assert.equal((await connection2.take())[0].status, 404);
  connection2.end();
  assert.deepEqual(await activity('query', `query like '%j%'`), [{ query: 'GET /d%C3%A9j%C3%A0' }]);
});

test('the list of processes shows the method alone', async () => {
  const title = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').replace(/[\0 ]+$/, '');
  await whileItNaps(async () => {
    const [{ pid }] = await activity('pid', `state = 'active'`);
    assert.match(title(pid), /pgrest executor GET$/);
  });
  for (const { pid } of await activity('pid')) await until('idle', () => /pgrest executor idle$/.test(title(pid)));
});

test('track_activities = off', async () => {
  await reload({ track_activities: 'off' });
  await until('the setting', async () => {
    await Promise.all([server.get('/items'), server.get('/rpc/nap?seconds=0.1')]);
    return (await activity('pid', `state = 'disabled'`)).length === 2;
  });
  assert.equal((await server.get('/items')).status, 200);
  await reload({ track_activities: 'on' });
  await until('the setting', async () => {
    await Promise.all([server.get('/items'), server.get('/rpc/nap?seconds=0.1')]);
    return (await activity('pid', `state = 'idle'`)).length === 2;
  });
});

test('pg_stat_statements: statements as roles run them, with their values left out', async () => {
  await server.sql('select pg_stat_statements_reset()');
  for (const id of [1, 2, 3]) assert.equal((await server.get(`/items?id=eq.${id}&name=neq.confidential`, clerk)).status, 200);
  await server.post('/rpc/whoami', {}, clerk);
  const rows = JSON.parse(await server.sql(`
    select json_agg(s) from (select rolname, query, calls, rows, toplevel from pg_stat_statements join pg_roles on userid = pg_roles.oid
      where rolname = 'clerk' and dbid = (select oid from pg_database where datname = 'app') order by calls desc) s`));
  assert.deepEqual(rows.map(({ query, ...row }) => row), [
    { rolname: 'clerk', calls: 3, rows: 3, toplevel: true },
    { rolname: 'clerk', calls: 1, rows: 1, toplevel: true },
  ]);
  assert.match(rows[0].query, /"items".*\$1/s);
  assert.match(rows[1].query, /"whoami"/);
  assert.equal(await server.sql(`select count(*) from pg_stat_statements where query like '%confidential%' and query not like '%pg_stat%'`), '0');
});

// --- log -----------------------------------------------------------------------------------------------------

test('log_statement: statements without their values', async () => {
  const read = () => server.get('/items?name=eq.confidential', clerk);
  const [line] = await logged({ log_statement: 'all' }, read, /^LOG: {2}statement: .*"items"/);
  assert.match(line.text, /\$1/);
  assert.doesNotMatch(server.log(), /confidential/);
  assert.deepEqual([line.sqlstate, line.transaction], ['00000', '0']);
  // as every background worker: PostgreSQL knows these of sessions with a client only
  assert.deepEqual([line.user, line.database, line.application, line.tag], ['', '', '', '']);
});

test('log_statement = mod: what may write', async () => {
  const write = () => server.send('PATCH', '/items?id=eq.1', { body: { name: 'confidential' } });
  await logged({ log_statement: 'mod' }, write, /^LOG: {2}statement: .*UPDATE/i);
  const from = server.log().length;
  await server.get('/items');
  await server.get('/rpc/whoami');
  await write();
  assert.deepEqual(lines(from).filter((line) => /items|whoami/.test(line.text)).map((line) => /UPDATE/.test(line.text)), [true]);
  assert.doesNotMatch(server.log(), /confidential/);
});

test('log_min_duration_statement and log_duration', async () => {
  const read = () => server.get('/items?name=eq.confidential', clerk);
  const settings = { log_statement: 'none', log_min_duration_statement: 0, log_parameter_max_length: -1 };
  const [line] = await logged(settings, read, /^LOG: {2}duration: [\d.]+ ms {2}statement: .*"items"/);
  assert.match(line.text, /\$1/);
  assert.match(line.query, /^-?[1-9]\d+$/);
  await logged({ log_min_duration_statement: '200ms' }, () => server.get('/rpc/nap?seconds=0.3'), /duration: .*"nap"/);
  const from = server.log().length;
  await server.get('/items');
  assert.deepEqual(lines(from), []);
  await logged({ log_min_duration_statement: -1, log_duration: 'on' }, read, /^LOG: {2}duration: [\d.]+ ms$/);
  await reload({ log_duration: 'off' });
  assert.doesNotMatch(server.log(), /confidential/);
});

test('a duration is that of its statement, not of what came before', async () => {
  await server.sql(`create function api.before() returns void language plpgsql as $$ begin perform pg_sleep(1); end $$`);
  const read = () => server.get('/items');
  await logged({ log_min_duration_statement: 0, 'pgrest.db_pre_request': 'api.before' }, read, /duration: .*"before"/);
  const from = server.log().length;
  await read();
  const [line] = lines(from).filter(({ text }) => /"items"/.test(text));
  assert.ok(Number(/duration: ([\d.]+) ms/.exec(line.text)[1]) < 1000, line.text);
  await server.sql(`create or replace function api.before() returns void language sql as ''`);
  await reload({ 'pgrest.db_pre_request': '', log_min_duration_statement: -1 });
});

test('auto_explain of session_preload_libraries', async () => {
  const [line] = await logged({ 'auto_explain.log_min_duration': 0 }, () => server.get('/items?id=eq.3'), /^LOG: {2}duration: [\d.]+ ms {2}plan:/);
  assert.ok(line);
  assert.match(server.log(), /Query Text: .*"items"/);
  await reload({ 'auto_explain.log_min_duration': -1 });
});

test('a lock that is waited for is logged with who waits', async () => {
  await server.sql('create table api.busy (n int); grant insert on api.busy to clerk');
  const holder = server.sql('begin; lock table api.busy; select pg_sleep(600)').catch(() => 'cancelled');
  await until('the lock', async () => (await server.sql(`select count(*) from pg_locks where relation = 'api.busy'::regclass and granted`)) === '1');
  const answer = server.post('/busy', { n: 1 }, clerk);
  await until('the wait', async () => (await activity('pid', `wait_event_type = 'Lock' and wait_event = 'relation'`)).length === 1);
  assert.notEqual(await server.sql(`select array_length(pg_blocking_pids(pid), 1) from pg_stat_activity where wait_event_type = 'Lock' and ${MINE}`), '');
  await server.sql(`select pg_cancel_backend(pid) from pg_stat_activity where query like 'begin; lock%'`);
  await holder;
  assert.equal((await answer).status, 201);
});

// --- what an idle executor does not hold back ----------------------------------------------------------------

test('idle executors hold no lock and are in the way of no DDL', async () => {
  await server.sql(`create table api.passing (n int); insert into api.passing select generate_series(1, 100); grant all on api.passing to anon`);
  await Promise.all([1, 2, 3, 4].map(() => server.get('/passing')));
  await server.get('/passing?n=eq.x'); // fails
  await until('idleness', async () => (await activity('pid', `state = 'idle'`)).length === 2);
  assert.equal(await server.sql(`select count(*) from pg_locks where pid in (select pid from pg_stat_activity where backend_type like 'pgrest%')`), '0');
  await server.sql(`set lock_timeout = '5s'; alter table api.passing add m int; truncate api.passing; drop table api.passing`);
  assert.equal((await server.get('/passing')).status, 404);
});

test('idle executors hold back no VACUUM', async () => {
  await server.sql(`create table api.dying (n int); insert into api.dying select generate_series(1, 1000); grant all on api.dying to anon`);
  await Promise.all([1, 2, 3, 4].map(() => server.get('/dying')));
  await server.get('/rpc/value');
  await server.send('DELETE', '/dying?n=gt.0');
  await until('idleness', async () => (await activity('pid', `state = 'idle'`)).length === 2);
  await server.sql('vacuum api.dying');
  assert.equal(await server.sql(`select pg_relation_size('api.dying')`), '0');
  assert.equal(await server.sql(`select count(*) from pg_stat_activity where backend_type like 'pgrest%' and (backend_xmin is not null or backend_xid is not null)`), '0');
});

test('idle processes read the messages of invalidation that others send', async () => {
  await reload({ log_min_messages: 'debug4' });
  const pids = (await server.sql(`select pid from pg_stat_activity where backend_type like 'pgrest%'`)).split('\n');
  assert.equal(pids.length, 4);
  const from = server.log().length;
  await until('every process to catch up', async () => {
    await server.sql(`do $$ begin for i in 1..300 loop execute 'create table churn (a int, b int, c int); drop table churn'; end loop; end $$`);
    const caught = new Set(lines(from).filter((line) => /ProcessCatchupEvent outside transaction/.test(line.text)).map((line) => line.pid));
    return pids.every((pid) => caught.has(pid));
  }, 30000);
  await reload({ log_min_messages: 'warning' });
});

// --- the extension -------------------------------------------------------------------------------------------

// Files of the installation may belong to root.
function asRoot(command, ...args) {
  const input = args.pop();
  const words = process.getuid() === 0 ? [command, ...args] : ['sudo', '-n', command, ...args];
  execFileSync(words[0], words.slice(1), { input, stdio: ['pipe', 'ignore', 'inherit'] });
}

test('ALTER EXTENSION UPDATE to a made-up version, while requests are answered', async () => {
  const share = execFileSync(process.env.PG_CONFIG ?? 'pg_config', ['--sharedir'], { encoding: 'utf8' }).trim();
  const script = join(share, 'extension', 'pgrest--1.0--1.0test.sql');
  await server.sql('create extension pgrest');
  await server.sql('grant usage on schema pgrest to anon; create view api.seen as select pgrest.version()');
  asRoot('tee', script, `\\echo Use "ALTER EXTENSION pgrest UPDATE" to load this file. \\quit
    drop view workers; drop function workers();
    create function workers(out pid integer, out kind text, out state text, out since timestamptz, out request text, out requests bigint)
      returns setof record language c as 'MODULE_PATHNAME', 'pgrest_workers';
    create function newer() returns text language sql as $$ select 'newer' $$;\n`);
  try {
    let done = false;
    const traffic = (async () => {
      while (!done) assert.equal((await server.get('/items?id=eq.1')).status, 200);
    })();
    assert.equal(await server.sql(`select path from pg_extension_update_paths('pgrest') where target = '1.0test'`), '1.0--1.0test');
    await server.sql(`alter extension pgrest update to '1.0test'`);
    done = true;
    await traffic;
    assert.equal(await server.sql(`select extversion from pg_extension where extname = 'pgrest'`), '1.0test');
    assert.equal(await server.sql('select pgrest.newer()'), 'newer');
    assert.equal(await server.sql(`select count(*) from pgrest.workers() where kind = 'executor'`), '2');
    assert.equal(await server.sql(`select status from pgrest.request('GET', '/items')`), '200');
    await server.sql('drop extension pgrest cascade');
    assert.equal((await server.get('/items?id=eq.1')).status, 200);
  } finally {
    asRoot('rm', script, '');
  }
});
