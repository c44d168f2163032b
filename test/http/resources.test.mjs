// A request that wants more than there is: its client gets an error, the next request the right answer, and the executor
// is still the same process.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { LOAD_SQL, isClean, pids } from './load.mjs';
import { SANITIZED, Server, until } from './server.mjs';

let server;
let executor;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.request_memory': -1, 'pgrest.executor_memory': '4GB', work_mem: '64kB' });
  await server.sql(`create extension pgrest; ${LOAD_SQL}
    create function api.dig(n int) returns int stable language plpgsql as $$ begin return api.dig(n + 1); end $$;
    create view api.wide as select repeat('x', 540000000) as a, repeat('y', 540000000) as b;
    grant select on api.wide to anon`);
});
after(() => server?.drop());
beforeEach(async () => {
  await server.ready();
  [executor] = await pids(server, 'executor');
});
afterEach(async () => {
  for (let n = 0; n < 5; n++) assert.equal((await server.get(`/rpc/echo?n=${n}`)).body, n);
  assert.deepEqual(await pids(server, 'executor'), [executor]);
  await until('clean memory', () => isClean(server));
  assert.doesNotMatch(server.log(), /terminated by signal|PANIC/);
});

const run = async (query) => {
  const { status, body } = await server.post('/rpc/value', { query });
  return [status, body.code];
};

// Reloads; the executor is replaced.
async function reconfigure(settings) {
  server.reload(settings);
  await until('another executor', async () => ![executor, undefined].includes((await pids(server, 'executor'))[0]));
  await server.ready();
  [executor] = await pids(server, 'executor');
}

test('a temporary file over temp_file_limit', async () => {
  await reconfigure({ temp_file_limit: '2MB' });
  assert.deepEqual(await run('select count(*) from (select i from generate_series(1, 300000) i order by md5(i::text) offset 0) s'), [500, '53400']);
  await reconfigure({ temp_file_limit: -1 });
});

test('a disk that is full', async (context) => {
  const disk = mkdtempSync(join(tmpdir(), 'pgrest-disk-'));
  try {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return context.skip('mounting a file system is not permitted here');
    }
    execFileSync('chown', ['postgres:', disk]);
    await server.sql(`create tablespace small location '${disk}'`);
    await server.sql('grant create on tablespace small to public');
    await reconfigure({ temp_tablespaces: 'small' });
    assert.deepEqual(await run('select count(*) from (select i from generate_series(1, 300000) i order by md5(i::text) offset 0) s'), [503, '53100']);
    await reconfigure({ temp_tablespaces: '' });
    await server.sql('drop tablespace small');
  } finally {
    try {
      execFileSync('umount', [disk], { stdio: 'ignore' });
    } catch {
      // was not mounted
    }
    rmSync(disk, { recursive: true, force: true });
  }
});

test('recursion without end', async () => {
  const { status, body } = await server.get('/rpc/dig?n=1');
  assert.deepEqual([status, body.code], [500, '54001']);
});

test('expressions nested without end', async () => {
  assert.deepEqual(await run(`select 1${' + 1'.repeat(100000)}`), [500, '54001']);
});

test('values over one gigabyte', async () => {
  assert.deepEqual(await run(`select repeat('x', 1073741824)`), [500, '54000']);
  assert.deepEqual(await run(`select length(array_fill(1, array[2000000000])::text)`), [500, '54000']);
});

const status = (field) => Number(readFileSync(`/proc/${executor}/status`, 'utf8').match(new RegExp(`${field}:\\s+(\\d+)`))[1]) * 1024;
// Its owner may do that.
function limit(bytes) {
  const command = ['prlimit', '--pid', String(executor), `--as=${bytes}:`];
  if (process.getuid() === 0) command.unshift('runuser', '-u', 'postgres', '--');
  execFileSync(command[0], command.slice(1));
}

test('memory that the system does not give', { skip: SANITIZED }, async () => {
  limit(`${status('VmSize') + 64 * 1024 * 1024}`);
  assert.deepEqual(await run(`select length(repeat('x', 200000000))`), [503, '53200']);
  assert.deepEqual(await run(`select string_agg(repeat('x', 10000000), '') from generate_series(1, 30)`), [503, '53200']);
  assert.equal(await server.value(`select length(repeat('x', 10000000))`), '10000000');
});

test('memory that the system does not give to a body', { skip: SANITIZED }, async () => {
  const { status: answered, body } = await server.post('/rpc/value', { query: `select '${'x'.repeat(60 * 1024 * 1024)}'` });
  assert.deepEqual([answered, body.code], [503, '53200']);
  limit('unlimited');
});

// A process that takes all of the machine's memory is ended by the system, and PostgreSQL restarts.
test('bodies of the smallest pieces take a few times their size, not dozens of times', { skip: SANITIZED }, async () => {
  const size = 16 * 1024 * 1024;
  const of = (piece) => piece.repeat(size / piece.length);
  for (const [times, type, body, code] of [
    [20, 'text/csv', `b\n${of('a\n')}`, 'PGRST204'],
    [8, 'text/csv', `b\n${of(',')}`, 'PGRST102'],
    [8, 'application/json', `[${of('1,')}1]`, 'PGRST102'],
    [8, 'application/json', `[${of('{},')}1]`, 'PGRST102'],
    [8, 'application/x-www-form-urlencoded', of('a&'), 'PGRST102'],
  ]) {
    limit(`${status('VmSize') + times * size}`);
    const { status: answered, body: error } = await server.post('/log', body, { headers: { 'Content-Type': type } });
    assert.deepEqual([answered, error.code], [400, code], `${type} ${body.slice(0, 10)}`);
  }
  limit('unlimited');
});

test('headers of an answer that are larger than all the memory for bodies', async () => {
  await server.sql(`create function api.shout(n int) returns void language plpgsql as
    $$ begin perform set_config('response.headers', format('[{"X-Long": "%s"}]', repeat('x', n)), true); end $$`);
  for (const n of [97 * 1024, 200 * 1024 * 1024]) {
    const answer = await server.post('/rpc/shout', { n });
    assert.deepEqual([answer.status, answer.headers.has('x-long')], [500, false]);
  }
});

test('an answer over 1 GB that cannot be sent while it is made', async (context) => {
  const available = Number(readFileSync('/proc/meminfo', 'utf8').match(/MemAvailable:\s+(\d+)/)[1]);
  if (available < 5e6) return context.skip('not enough memory');
  await server.sql(`create view api.much as select repeat('x', 10000000) as a from generate_series(1, 108);
    grant select on api.much to anon`);
  const { status: answered, body } = await server.get('/much', { headers: { Prefer: 'count=exact' } });
  assert.deepEqual([answered, body.code], [500, '54000']);
});

test('a body that is larger than a value of PostgreSQL', async (context) => {
  const available = Number(readFileSync('/proc/meminfo', 'utf8').match(/MemAvailable:\s+(\d+)/)[1]);
  if (available < 9e6) return context.skip('not enough memory');
  const large = await Server.start({ 'pgrest.workers': 1, 'pgrest.request_memory': -1, 'pgrest.max_body_size': -1, 'pgrest.body_memory': '2GB' });
  try {
    await large.sql(`create function api.take(text) returns int language sql as 'select length($1)';
      create function api.take_bytes(bytea) returns int language sql as 'select length($1)'`);
    for (const [path, type] of [['/rpc/take', 'text/plain'], ['/rpc/take_bytes', 'application/octet-stream']]) {
      const { status: answered, body } = await large.post(path, Buffer.alloc(1073741824, 'x'), { headers: { 'Content-Type': type } });
      assert.deepEqual([answered, body.code, body.message], [500, '54000', 'a value of the request is larger than 1 GB'], path);
    }
    assert.doesNotMatch(large.log(), /terminated by signal|PANIC/);
  } finally {
    large.drop();
  }
});

test('a row that is larger than PostgreSQL can make', async (context) => {
  const available = Number(readFileSync('/proc/meminfo', 'utf8').match(/MemAvailable:\s+(\d+)/)[1]);
  if (available < 5e6) return context.skip('not enough memory');
  const { status: answered, body } = await server.get('/wide');
  assert.deepEqual([answered, body.code], [500, '54000']);
});
