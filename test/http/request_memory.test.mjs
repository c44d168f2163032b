// The memory that one request takes is bounded, whatever takes it, and the executor goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pids } from './load.mjs';
import { forgetPeak, held, inMB, peak } from './peak.mjs';
import { SANITIZED, Server } from './server.mjs';

const MB = 1024 * 1024;
const BOUND = 64 * MB;

let server;
let executor;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.request_memory': '64MB', max_parallel_workers: 0 });
  await server.sql(`
    create table api.kept (id int, name text, document json, parts jsonb, numbers int[]);
    grant all on api.kept to anon;
    create function api.whole(json) returns int language sql as 'select 1';
    create function api.whole_binary(jsonb) returns int language sql as 'select 1';
    create function api.arguments(a text, b text default '') returns int language sql as 'select length(a)';
    create function api.texts(text) returns int language sql as 'select length($1)';
    create function api.bytes(bytea) returns int language sql as 'select length($1)';
    create function api.gather(n int) returns int language plpgsql as $$
    declare all_of_it text[];
    begin
      for i in 1..n loop all_of_it := all_of_it || repeat('x', 100000); end loop;
      return cardinality(all_of_it);
    exception when others then return -1;
    end $$;
    create function api.insist(n int) returns int language plpgsql as $$
    declare all_of_it text[];
    begin
      for i in 1..n loop
        begin
          all_of_it := all_of_it || repeat('x', 100000);
        exception when query_canceled or out_of_memory then null;
        end;
      end loop;
      return cardinality(all_of_it);
    end $$;
    create function api.rows(n int) returns setof text language sql as $$ select repeat('x', 100000) from generate_series(1, n) $$;
    create function api.one(n int) returns text language sql as $$ select repeat('x', n) $$;
    create function api.joined(n int) returns text language sql as $$ select string_agg(i::text, ',') from generate_series(1, n) i $$;
    create function api.listed(n int) returns json language sql as $$ select json_agg(i) from generate_series(1, n) i $$;
    create function api.hashed(n int) returns bigint language sql set work_mem = '1GB' as $$ select count(distinct md5(i::text)) from generate_series(1, n) i $$;`);
  await server.ready();
  await server.get('/items');
  [executor] = await pids(server, 'executor');
});
after(() => server?.drop());

const repeated = (text, bytes) => text.repeat(Math.ceil(bytes / text.length));
const list = (element, bytes) => `[${repeated(`${element},`, bytes)}${element}]`;
const distinctKeys = (bytes) => `{${Array.from({ length: bytes / 14 }, (_, i) => `"k${1000000 + i}":1`).join()}}`;
const size = 16 * 1000 * 1000;

const JSON_TYPE = 'application/json';
const CSV = 'text/csv';
const FORM = 'application/x-www-form-urlencoded';
const bodies = {
  'CSV of short lines': ['/kept', CSV, `name\n${repeated('1\n', size)}`],
  'CSV of one field': ['/kept', CSV, `name\n${repeated('x', size)}\n`],
  'CSV of one quoted field': ['/kept', CSV, `name\n"${repeated('x""y', size)}"\n`],
  'a form of one field': ['/kept', FORM, `name=${repeated('x', size)}`],
  'a form of escapes': ['/kept', FORM, `name=${repeated('%41', size)}`],
  'an array of small objects': ['/kept', JSON_TYPE, list('{"id":1}', size)],
  'an array of one object': ['/kept', JSON_TYPE, `[{"name":"${repeated('x', size)}"}]`],
  'an array with columns=': ['/kept?columns=id', JSON_TYPE, list('{"id":1}', size)],
  'an array with defaults': ['/kept?columns=id', JSON_TYPE, list('{"id":1}', size), { Prefer: 'missing=default' }],
  'an object of distinct keys': ['/kept', JSON_TYPE, distinctKeys(size)],
  'an object of distinct keys with columns=': ['/kept?columns=id', JSON_TYPE, distinctKeys(size)],
  'an object of one key again and again': ['/kept', JSON_TYPE, `{${repeated('"id":1,', size)}"id":1}`],
  'numbers for a column of json': ['/kept', JSON_TYPE, `{"document":${list('1', size)}}`],
  'numbers for a column of jsonb': ['/kept', JSON_TYPE, `{"parts":${list('1', size)}}`],
  'numbers for an array': ['/kept', JSON_TYPE, `{"numbers":${list('1', size)}}`],
  'brackets': ['/kept', JSON_TYPE, `${repeated('[', size / 2)}${repeated(']', size / 2)}`],
  'brackets with columns=': ['/kept?columns=id', JSON_TYPE, `${repeated('[', size / 2)}${repeated(']', size / 2)}`],
  'a string without end': ['/kept', JSON_TYPE, `{"name":"${repeated('x', size)}`],
  'escapes': ['/kept', JSON_TYPE, `{"name":"${repeated('\\n', size)}"}`],
  'a document of a function': ['/rpc/whole', JSON_TYPE, `{"a":${list('1', size)}}`],
  'a jsonb document of a function': ['/rpc/whole_binary', JSON_TYPE, `{"a":${list('1', size)}}`],
  'a document of distinct keys': ['/rpc/whole', JSON_TYPE, distinctKeys(size)],
  'distinct keys that are no parameters': ['/rpc/arguments', JSON_TYPE, distinctKeys(size)],
  'an argument': ['/rpc/arguments', JSON_TYPE, `{"a":"${repeated('x', size)}"}`],
  'an array for a function': ['/rpc/arguments', JSON_TYPE, list('{"a":"x"}', size)],
  'CSV for a function': ['/rpc/arguments', CSV, `a\n${repeated('1\n', size)}`],
  'a form for a function': ['/rpc/arguments', FORM, `a=${repeated('x', size)}`],
  'text': ['/rpc/texts', 'text/plain', repeated('x', size)],
  'bytes': ['/rpc/bytes', 'application/octet-stream', repeated('x', size)],
  'text that is no UTF-8': ['/rpc/texts', 'text/plain', Buffer.alloc(size, 0xff)],
};

const queries = {
  'a function that gathers': ['/rpc/gather', { n: 10000 }],
  'a function that catches every cancel': ['/rpc/insist', { n: 3000 }],
  'rows that are counted': ['/rpc/rows', { n: 2000 }, { Prefer: 'count=exact' }],
  'one value': ['/rpc/one', { n: 500000000 }],
  'a string that is put together': ['/rpc/joined', { n: 20000000 }],
  'a list of json': ['/rpc/listed', { n: 20000000 }],
  'hashes with much work_mem': ['/rpc/hashed', { n: 10000000 }],
};

// Serves, or refuses for want of memory or what is wrong with the body; never more than the bound, and never another
// process.
async function bounded(path, body, headers) {
  const before = held(executor);
  forgetPeak(executor);
  const answer = await server.send('POST', path, { body, headers });
  const taken = peak(executor) - before;
  assert.ok(taken < BOUND + 8 * MB, `${inMB(taken)} MB`);
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.deepEqual(await pids(server, 'executor'), [executor]);
  assert.ok(held(executor) < before + 16 * MB, `${inMB(held(executor) - before)} MB are left`);
  return answer;
}

const refused = (answer) => {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.body.code, '53200');
  assert.ok(answer.headers.get('retry-after'));
};

test('bodies', { skip: SANITIZED }, async (t) => {
  for (const [name, [path, type, body, headers]] of Object.entries(bodies))
    await t.test(name, async () => {
      const answer = await bounded(path, body, { 'Content-Type': type, ...headers });
      if (answer.status === 503) return refused(answer);
      assert.ok([200, 201, 400, 404].includes(answer.status) || answer.body.code === '54001', answer.text.slice(0, 500));
    });
});

test('queries', { skip: SANITIZED }, async (t) => {
  for (const [name, [path, body, headers]] of Object.entries(queries))
    await t.test(name, async () => {
      const answer = await bounded(path, body, { 'Content-Type': JSON_TYPE, ...headers });
      if (answer.status !== 200) return refused(answer);
      assert.equal(name, 'a function that catches every cancel');
    });
});

test('rows that are sent while they are made are not counted', { skip: SANITIZED }, async () => {
  const answer = await bounded('/rpc/rows', '{"n": 1}', { 'Content-Type': JSON_TYPE });
  assert.equal(answer.status, 200);
  forgetPeak(executor);
  assert.equal((await server.get('/items?select=id,name,n2:name&order=id')).status, 200);
});

test('a body of more than half of it is 413', async () => {
  const answer = await server.send('POST', '/kept', { body: repeated(' ', 33 * MB), headers: { 'Content-Type': JSON_TYPE } });
  assert.equal(answer.status, SANITIZED ? 400 : 413);
  if (!SANITIZED) assert.equal(answer.body.code, 'PGRST413');
});

test('a reload changes it', { skip: SANITIZED }, async () => {
  const [path, type, body] = bodies['numbers for a column of jsonb'];
  const small = body.slice(0, body.length / 8).replace(/,?$/, ']}');
  const send = () => server.send('POST', path, { body: small, headers: { 'Content-Type': type } });
  refused(await send());
  server.reload({ 'pgrest.request_memory': '-1' });
  for (let tries = 0; tries < 100 && (await send()).status !== 201; tries++);
  assert.equal((await send()).status, 201);
  server.reload({ 'pgrest.request_memory': '64MB' });
  for (let tries = 0; tries < 100 && (await send()).status === 201; tries++);
  refused(await send());
});

test('PostgreSQL went on all the while', () => {
  assert.doesNotMatch(server.log(), /PANIC|was terminated by signal/);
});
