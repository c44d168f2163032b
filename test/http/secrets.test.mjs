// Nothing secret gets out: not into the log at its most talkative, not into views, answers or the titles of processes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, token, until } from './server.mjs';

// Every secret of this file has this in it, or is listed in `tokens`.
const MARK = 'Zq7xW';
const secret = (name) => `${MARK} ${name} ${MARK}, at least 32 bytes of it`;
const tokens = [];

const SCHEMA = `
create function api.login(email text, password text) returns json language plpgsql as $$
begin
  if length(password) < 3 then raise 'too short'; end if;
  return json_build_object('token', sign(json_build_object('role', 'clerk'), 'the words of a login, 32 bytes and more'));
end $$;
create function api.broken(password text) returns int language plpgsql as $$
begin
  raise 'broken' using errcode = 'XX000';
end $$;
create function api.secretive(password text) returns int stable language plpgsql as $$
begin
  return length(password);
end $$;
create table api.accounts (id int primary key, name text, password text check (length(password) > 5));
grant all on api.accounts to anon, clerk;
create role someone login;
grant all on schema api to someone;
create role auditor login;
grant pg_monitor, pg_read_all_settings to auditor;`;

const TALKATIVE = {
  log_min_messages: 'debug5',
  log_min_error_statement: 'debug5',
  log_error_verbosity: 'verbose',
  log_statement: 'all',
  log_duration: 'on',
  log_min_duration_statement: 0,
  log_parameter_max_length: -1,
  log_parameter_max_length_on_error: -1,
  log_lock_waits: 'on',
  log_temp_files: 0,
  log_connections: 'on',
  log_disconnections: 'on',
  log_statement_stats: 'on',
  log_line_prefix: '%m [%p] %b %u %d %a %r %h %i %e %v %x %Q ',
};

let server;
before(async () => {
  const fixture = readFileSync(join(ROOT, 'test/http/fixture.sql'), 'utf8');
  const quiet = `
    alter role postgres set log_statement = 'none';
    alter role postgres set log_min_duration_statement = -1;
    alter role postgres set log_duration = off;
    alter role postgres set log_statement_stats = off;
    alter role postgres set log_min_error_statement = 'panic';`;
  server = await Server.start(
    { ...TALKATIVE, shared_preload_libraries: 'pg_stat_statements,pgrest', 'pgrest.workers': 1, 'pgrest.db_extra_search_path': 'public, pgrest', 'pgrest.jwt_secret': secret('first') },
    // what a superuser sends is the superuser's to keep; here it is kept out of the log to see what else is in it
    `${fixture}${SCHEMA}create extension pgrest; create extension pg_stat_statements; ${quiet}`,
  );
});
after(() => server?.drop());

function nothingSecretIn(text, where) {
  for (const word of [MARK, ...tokens]) {
    const at = text.indexOf(word);
    assert.ok(at < 0, `${where}: ...${text.slice(Math.max(0, at - 300), at + 100)}`);
  }
}

// A token; its signature and its payload must not be seen anywhere.
function tokenOf(claims, key) {
  const text = token(claims, key);
  tokens.push(...text.split('.').slice(1));
  return text;
}
const bearer = (claims, key) => ({ headers: { Authorization: `Bearer ${tokenOf(claims, key)}` } });
// Whether this secret is the one that counts.
const accepts = (key) => until('the secret to act', async () => (await server.get('/rpc/whoami', bearer({ role: 'clerk', n: Math.random() }, key))).body === 'clerk');

// --- the secret of tokens ------------------------------------------------------------------------------------

test('a secret that changes by file, by ALTER SYSTEM, from nothing and to nothing', async () => {
  await accepts(secret('first'));
  server.reload({ 'pgrest.jwt_secret': secret('second') });
  await accepts(secret('second'));
  server.reload({ 'pgrest.jwt_secret': '' });
  await until('no secret', async () => (await server.get('/items', bearer({ role: 'clerk' }, secret('second')))).status === 500);
  server.reload({ 'pgrest.jwt_secret': secret('third') });
  await accepts(secret('third'));
  await server.sql(`alter system set pgrest.jwt_secret = '${secret('fourth')}'`);
  server.cluster('reload');
  await accepts(secret('fourth'));
  await server.sql(`alter system set pgrest.jwt_secret = '${secret('fifth')}'`);
  server.cluster('reload');
  await accepts(secret('fifth'));
  await server.sql('alter system reset pgrest.jwt_secret');
  server.cluster('reload');
  await accepts(secret('third'));
  nothingSecretIn(server.log(), 'log');
});

test('a secret that is refused', async () => {
  const bad = [
    `{"kty":"oct","k":"${MARK}=="}`,
    `{"kty":"RSA","n":"${MARK}","e":"AQAB","d":"${MARK}"}`,
    `{"keys":[{"kty":"EC","crv":"P-256","x":"${MARK}","y":"${MARK}"}]}`,
    `{"keys":[{"kty":"${MARK}"}]}`,
    `{"${MARK}":1}`,
    `{"keys": "${MARK}"`,
  ];
  for (const value of bad) {
    const failure = await server.sql(`alter system set pgrest.jwt_secret = '${value}'`).then(() => '', (error) => error.stderr);
    nothingSecretIn(failure, `error of ALTER SYSTEM, ${value}`);
    await server.sql('alter system reset pgrest.jwt_secret');
    server.reload({ 'pgrest.jwt_secret': value });
    server.reload({ 'pgrest.jwt_secret': value, 'pgrest.jwt_secret_is_base64': 'on' });
    await server.get('/items');
    nothingSecretIn(JSON.stringify(await server.get('/items', bearer({ role: 'clerk' }, secret('third')))), 'answer');
  }
  server.reload({ 'pgrest.jwt_secret': secret('third'), 'pgrest.jwt_secret_is_base64': 'off' });
  await accepts(secret('third'));
  nothingSecretIn(server.log(), 'log');
});

test('a secret that is wrong at the start', async () => {
  for (const value of [`{"kty":"oct","k":"${MARK}=="}`, `{"kty":"RSA","n":"${MARK}","e":"AQAB"}`, `@/nowhere`]) {
    await server.restart({ 'pgrest.jwt_secret': value });
    await until('an answer', async () => server.get('/items').then((answer) => answer.status === 503, () => false));
    nothingSecretIn((await server.get('/items')).text, 'answer');
    // it is not in the values that a session shows either
    nothingSecretIn(await server.sql(`select coalesce(json_agg(s), '[]') from pg_settings s`), 'pg_settings');
  }
  await server.restart({ 'pgrest.jwt_secret': secret('third') });
  await server.ready();
  await accepts(secret('third'));
  nothingSecretIn(server.log(), 'log');
});

test('a secret in a file', async () => {
  server.cluster('psql', '-c', `copy (select '${secret('kept')}') to '${join(server.dir, 'data', 'key')}'`);
  server.reload({ 'pgrest.jwt_secret': '@key' });
  await accepts(secret('kept'));
  assert.equal(await server.sql('show pgrest.jwt_secret'), '@key');
  server.reload({ 'pgrest.jwt_secret': secret('third') });
  await accepts(secret('third'));
  nothingSecretIn(server.log(), 'log');
});

test('the secret in no view', async () => {
  // a superuser sees asterisks where a value is shown, and the file as it is
  assert.equal(await server.sql('show pgrest.jwt_secret'), '********');
  for (const role of ['postgres', 'auditor', 'someone', 'authenticator', 'clerk', 'anon']) {
    const read = (query) => server.sql(`set role ${role}; ${query}`).catch((error) => `refused: ${error.stderr}`);
    for (const query of [
      'select json_agg(s) from pg_settings s',
      'show all',
      `select current_setting('pgrest.jwt_secret')`,
      'show pgrest.jwt_secret',
      `select setting from pg_settings where name = 'pgrest.jwt_secret'`,
      'select json_agg(s) from pg_db_role_setting s',
      'select json_agg(a) from pg_stat_activity a',
      'select json_agg(w) from pgrest.workers w',
      'select json_agg(h) from pg_hba_file_rules h',
      'select json_agg(s) from pg_shmem_allocations s',
      ...(role === 'postgres' ? [] : ['select json_agg(f) from pg_file_settings f', `select pg_read_file('settings.conf')`]),
    ])
      nothingSecretIn(await read(query), `${role}: ${query}`);
    if (role === 'postgres' || role === 'auditor') continue;
    for (const query of ['show pgrest.jwt_secret', `select current_setting('pgrest.jwt_secret')`, 'select * from pg_file_settings', `select pg_read_file('settings.conf')`])
      assert.match(await read(query), /permission denied|must be superuser/, `${role}: ${query}`);
    assert.match(await read(`select current_setting('pgrest.jwt_secret', true)`), /must be superuser|permission denied/);
  }
  // in requests too
  for (const query of [`select current_setting('pgrest.jwt_secret', true)`, 'select json_agg(s) from pg_settings s', 'select json_agg(f) from pg_file_settings f', 'select json_agg(a) from pg_stat_activity a'])
    nothingSecretIn((await server.post('/rpc/value', { query })).text, query);
});

// --- what clients send ---------------------------------------------------------------------------------------

test('tokens, cookies, headers, bodies and query strings are not in the log or the statistics', async () => {
  const password = secret('password');
  const query = encodeURIComponent(password);
  const headers = (key = secret('third')) => ({
    Authorization: `Bearer ${tokenOf({ role: 'clerk', hidden: MARK, n: Math.random() }, key)}`,
    Cookie: `session=${MARK}`,
    apikey: MARK,
    'X-Own': MARK,
  });
  const send = (method, path, body, more = {}) => server.send(method, path, { body, headers: { ...headers(), ...more } });
  const expected = [
    [send('POST', '/rpc/login', { email: 'a@b.c', password }), 200],
    [send('POST', '/rpc/broken', { password }), 500],
    [send('GET', `/rpc/secretive?password=${query}`), 200],
    [send('GET', `/rpc/broken?password=${query}`), 500],
    [send('POST', '/accounts', { id: 1, name: 'x', password }), 201],
    [send('POST', '/accounts', [{ id: 2, name: 'x', password }, { id: 2, name: 'y', password }]), 409],
    [send('POST', '/accounts', { id: password, name: 'x' }), 400],
    [send('POST', '/accounts', `{"id": 3, "password": "${MARK}`), 400],
    [send('POST', '/accounts', `id,password\n4,"${password}"\n5`, { 'Content-Type': 'text/csv' }), 400],
    [send('PATCH', `/accounts?password=eq.${query}`, { password: `${password}!` }), 204],
    [send('GET', `/accounts?password=eq.${query}`), 200],
    [send('GET', `/accounts?id=eq.${MARK}`), 400],
    [send('GET', `/accounts?password=like.${query}&or=(id.eq.1,${MARK}`), 400],
    [send('DELETE', `/accounts?password=eq.${query}`), 204],
    [server.get('/items', { headers: headers('another secret, which is not the right one') }), 401],
    [server.get('/items', { headers: { Authorization: `Bearer ${MARK}.${MARK}.${MARK}` } }), 401],
    [server.get('/items', { headers: { Authorization: `Basic ${MARK}` } }), 200],
    [server.get('/rpc/whoami', bearer({ role: `nobody` }, secret('third'))), 400],
    [server.get('/rpc/whoami', bearer({ role: 'clerk', exp: 1 }, secret('third'))), 401],
  ];
  for (const [answer, status] of expected) {
    const { status: found, text } = await answer;
    assert.ok(found === status || (status === 400 && found >= 400 && found < 500), `${found} instead of ${status}: ${text}`);
  }
  // heads that are refused before they are read to their end
  for (const head of [
    `GET /items HTTP/1.1\nAuthorization: Bearer ${MARK}\n\n`,
    `GET /items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${MARK}\r\n folded\r\n\r\n`,
    `GET /items?password=${MARK} HTTP/1.1\r\nHost: x\r\nAuthorization Bearer ${MARK}\r\n\r\n`,
    `POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: ${MARK}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n`,
    `POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: ${MARK}\r\nTransfer-Encoding: chunked\r\n\r\n${MARK}`,
    `GET /items HTTP/1.1\r\nHost: x\r\nAuthorization: ${MARK.repeat(20000)}\r\n\r\n`,
  ]) {
    const connection = server.connect();
    connection.write(head);
    await until('the end of the connection', () => connection.closed || connection.answers().length > 0);
    connection.end();
  }
  // a request that is broken off, one that is cancelled
  const slow = server.get(`/rpc/nap?seconds=600`, { headers: headers() });
  await until('a request to run', async () => (await server.sql(`select count(*) from pg_stat_activity where wait_event = 'PgSleep'`)) === '1');
  nothingSecretIn(await server.sql(`select json_agg(a) from pg_stat_activity a where backend_type like 'pgrest%'`), 'pg_stat_activity');
  nothingSecretIn(await server.sql(`select json_agg(w) from pgrest.workers w`), 'pgrest.workers');
  for (const pid of (await server.sql(`select pid from pg_stat_activity where backend_type like 'pgrest%'`)).split('\n'))
    nothingSecretIn(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), 'the title of a process');
  await server.sql(`select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'`);
  assert.equal((await slow).status >= 400, true);

  // this log does hold what it should
  const log = server.log();
  for (const wanted of [/statement: .*"accounts"/, /statement: .*"login"/, /duration: [\d.]+ ms$/m, /pgrest: POST \/rpc\/broken answered with 500/, /DEBUG: /])
    assert.match(log, wanted);
  nothingSecretIn(log, 'log');
  const statements = await server.sql(`select json_agg(s) from pg_stat_statements s join pg_roles r on r.oid = s.userid where rolname <> 'postgres'`);
  assert.match(statements, /accounts/);
  nothingSecretIn(statements, 'pg_stat_statements');
});

test('an answer does not repeat the token', async () => {
  for (const answer of [
    await server.get('/items', { headers: { Authorization: `Bearer ${MARK}` } }),
    await server.get('/items', bearer({ role: 'clerk' }, 'another secret, which is not the right one')),
    await server.get('/items', bearer({ role: 'clerk', exp: 1 }, secret('third'))),
  ]) {
    assert.equal(answer.status, 401);
    nothingSecretIn(`${answer.text} ${JSON.stringify([...answer.headers])}`, 'answer');
  }
});
