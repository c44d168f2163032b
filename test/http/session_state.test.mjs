// What requests leave in a session and nothing can take back, and settings of roles that such a session refuses: the
// request is run in a fresh one. Also what every session begins with.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.workers': 1, 'pgrest.db_plan_enabled': true, jit: 'on', jit_above_cost: 0, max_parallel_workers_per_gather: 0 },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create extension pgrest;
       create role other; create role plain; grant other, plain to authenticator;
       grant usage on schema api to public; grant all on api.items to public;
       create function api.stain() returns int language plpgsql as $$
         begin create temporary table stains as select 1; return pg_backend_pid(); end $$;
       create function api.state(name text) returns text stable language sql as
         $$ select current_setting(name) || ' ' || pg_backend_pid() $$;
       create function api.roomy() returns text language sql set temp_buffers = '24MB' as $$ select current_setting('temp_buffers') $$;
       create function api.sink(text) returns int language sql as $$ select length($1) $$;
       create table api.hub (id int primary key);
       create table api.spokes (id int primary key, hub int references api.hub);
       grant select on api.hub, api.spokes to public`,
  );
});
after(() => server?.drop());

const other = { claims: { role: 'other' } };
const stain = async () => (await server.post('/rpc/stain')).body;
const state = async (name, options) => {
  const answer = await server.get(`/rpc/state?name=${name}`, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.split(' ');
};
const logged = (mark, text) => server.log().slice(mark).split(text).length - 1;

// --- settings that a used session refuses ---------------------------------------------------------------------

test('temp_buffers of a role after a temporary table: the request is run in a fresh session', async () => {
  await server.sql(`alter role other set temp_buffers = '16MB'`);
  for (let n = 0; n < 3; n++) {
    const pid = await stain();
    const [value, there] = await state('temp_buffers', other);
    assert.equal(value, '16MB');
    assert.notEqual(Number(there), pid);
    assert.deepEqual(await state('temp_buffers', other), ['16MB', there]);
    assert.deepEqual(await state('temp_buffers'), ['8MB', there]);
  }
});

test('so it is for writes and large bodies, which are carried out once, and nothing of them stays', async () => {
  await stain();
  const written = await server.post('/items', { id: 100, name: 'x'.repeat(500_000) }, other);
  assert.equal(written.status, 201, written.text);
  await stain();
  const text = await server.post('/rpc/sink', 'x'.repeat(3_000_000), { ...other, headers: { 'Content-Type': 'text/plain' } });
  assert.equal(text.body, 3_000_000, text.text);
  assert.equal((await server.send('DELETE', '/items?id=eq.100', other)).status, 204);
  await until('the memory to be free', async () => (await server.sql('select body_memory_used, waiting, running, answered from pgrest.queue')) === '0|0|0|0');
});

test('a function that sets temp_buffers is called in a fresh session', async () => {
  const pid = await stain();
  const answer = await server.post('/rpc/roomy');
  assert.deepEqual([answer.status, answer.body], [200, '24MB']);
  assert.notEqual((await state('temp_buffers'))[1], String(pid));
});

test('requests of every kind at once, with several executors', async () => {
  await server.restart({ 'pgrest.workers': 3 });
  await server.ready();
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? server.post('/rpc/stain') : server.get('/rpc/state?name=temp_buffers', n % 3 === 1 ? other : {}))));
  answers.forEach((answer, n) => {
    assert.equal(answer.status, 200, answer.text);
    if (n % 3 > 0) assert.equal(answer.body.split(' ')[0], n % 3 === 1 ? '16MB' : '8MB');
  });
  await server.restart({ 'pgrest.workers': 1 });
  await server.ready();
});

test('a client that waits for a fresh session does not wait longer than for any other', async () => {
  await stain();
  await server.sql(`alter role authenticator nologin`);
  const answer = await server.get('/rpc/state?name=temp_buffers', other);
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.body.code, 'PGRST000');
  await server.sql(`alter role authenticator login`);
  await until('the executor', async () => (await server.get('/rpc/state?name=jit')).status === 200, 20000);
});

test('what a fresh session refuses too is said once, and the requests go without it, in the session that is there', async () => {
  await server.sql(`alter role other reset temp_buffers; alter role other set default_table_access_method = 'gone'`);
  await state('jit');
  const mark = server.log().length;
  const [, first] = await state('default_table_access_method', other);
  for (let n = 0; n < 5; n++) {
    await stain();
    assert.deepEqual(await state('default_table_access_method', other), ['heap', first]);
  }
  assert.equal(logged(mark, 'pgrest: "default_table_access_method" cannot be set to "gone"'), 1);
  await server.sql(`alter role other reset default_table_access_method`);
});

test('pgrest.request() goes without it too, with a warning', async () => {
  await server.sql(`alter role other set temp_buffers = '16MB'`);
  const request = `select status, body from pgrest.request('GET', '/rpc/state?name=temp_buffers', '{"Authorization": "Bearer ${token({ role: 'other' })}"}')`;
  const run = (before) => {
    const { stdout, stderr } = spawnSync(join(ROOT, 'script', 'cluster'), ['psql', server.dir, '-d', 'app', '-At', '-c', before, '-c', request], { encoding: 'utf8' });
    return [stdout.trim().split('\n').at(-1).replace(/ \d+"$/, '"'), /WARNING: +invalid value for parameter "temp_buffers"/.test(stderr)];
  };
  assert.deepEqual(run('select 1'), ['200|"16MB"', false]);
  assert.deepEqual(run('create temporary table stains as select 1; table stains'), ['200|"8MB"', true]);
  await server.sql(`alter role other reset temp_buffers`);
});

// Settings that a role may have, each with a value that is not its default. Where the session shows it, it acts.
test('no setting that a user may set makes the requests of a role fail', async () => {
  const settings = (
    await server.sql(`
      select name || '|' || case vartype
               when 'bool' then case setting when 'on' then 'off' else 'on' end
               when 'enum' then enumvals[array_length(enumvals, 1)]
               when 'integer' then least(max_val::numeric, greatest(min_val::numeric, setting::numeric + 1000))::text
               when 'real' then least(max_val::numeric, greatest(min_val::numeric, setting::numeric / 2))::text
               else setting end
        from pg_settings where context = 'user' and name not in ('exit_on_error', 'statement_timeout', 'lock_timeout', 'transaction_timeout')`)
  )
    .split('\n')
    .map((line) => line.split('|'));
  settings.push(['client_encoding', 'LATIN1'], ['datestyle', 'SQL, DMY'], ['timezone', 'Asia/Tokyo'], ['search_path', '"a ""b""", api']);
  settings.push(['temp_tablespaces', 'gone'], ['default_tablespace', 'gone'], ['default_text_search_config', 'gone'], ['role', 'plain'], ['custom.setting', 'x'], ['transaction_isolation', 'serializable'], ['session_authorization', 'plain']);
  // those that only a superuser may set, two of them granted
  settings.push(['log_statement', 'all'], ['track_functions', 'all'], ['lc_messages', 'C'], ['session_preload_libraries', ''], ['session_replication_role', 'replica'], ['log_min_messages', 'info']);
  if (Number(await server.sql('show server_version_num')) >= 150000) await server.sql('grant set on parameter session_replication_role, log_statement to authenticator');
  const many = settings.map(([name, value], n) => `create role r${n}; grant r${n} to authenticator; alter role r${n} set ${name} = ${name === 'search_path' || name === 'datestyle' ? value : `'${value}'`};`);
  await server.sql(`set client_min_messages = error; do $do$ begin ${many.map((line) => line.replace(/alter role.*/, (alter) => `begin ${alter} exception when others then null; end;`)).join('\n')} end $do$`);
  assert.ok(settings.length > 100, `${settings.length}`);
  for (const [n, [name]] of settings.entries()) {
    if (n % 10 === 0) await stain();
    for (const again of [1, 2]) {
      const answer = await server.get('/items?select=id&id=eq.1', { claims: { role: `r${n}` } });
      assert.deepEqual([answer.status, answer.text], [200, '[{"id":1}]'], `${name}, ${again}: ${answer.text}`);
    }
    assert.equal((await server.get('/rpc/whoami')).body, 'anon');
  }
});

// --- what cannot be taken back --------------------------------------------------------------------------------

test('a large object that was opened is closed for the next request', async () => {
  await server.sql(`create function api.open() returns int language sql as $$ select lo_open(lo_create(0), 131072) $$;
    create function api.is_open(n int) returns boolean language plpgsql as $$
      begin perform lo_tell(n); return true; exception when undefined_object then return false; end $$`);
  const { body: descriptor } = await server.post('/rpc/open');
  assert.equal((await server.post('/rpc/is_open', { n: descriptor })).body, false);
});

// --- what a session begins with -------------------------------------------------------------------------------

const embeds = Array.from({ length: 25 }, (_, n) => `s${n}:spokes(id)`).join();
const plan = async () => {
  const answer = await server.get(`/hub?select=id,${embeds}`, { headers: { Accept: 'application/vnd.pgrst.plan+json; options=analyze' } });
  assert.equal(answer.status, 200, answer.text);
  return answer.text;
};

test('executors compile nothing, whatever the configuration file says, unless the role or the database wants it', async () => {
  assert.equal((await state('jit'))[0], 'off');
  assert.doesNotMatch(await plan(), /"JIT"/);
  server.reload({ jit: 'off' });
  server.reload({ jit: 'on' });
  const become = async (value) => {
    server.reload({});
    await until(`jit = ${value}`, async () => (await state('jit'))[0] === value);
  };
  for (const [command, undo] of [
    ['alter role authenticator set jit = on', 'alter role authenticator reset jit'],
    ['alter database app set jit = on', 'alter database app reset jit'],
    ['alter role authenticator in database app set jit = on', 'alter role authenticator in database app reset jit'],
    ['alter role all set jit = on', 'alter role all reset jit'],
  ]) {
    await server.sql(command);
    await become('on');
    await server.sql(undo);
    await become('off');
  }
  await server.sql('alter role other set jit = on');
  assert.equal((await state('jit', other))[0], 'on');
  assert.equal((await state('jit'))[0], 'off');
});
