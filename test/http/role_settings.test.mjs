// Settings and memberships of roles: which act, in which order, and that a change is seen by the next request.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.workers': 3, 'pgrest.db_extra_search_path': '' },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create role crew; create role newcomer; create role hub; create role spoke; create role serial; create role patient;
       grant crew, hub, serial, patient to authenticator; grant spoke to hub;
       grant usage on schema api to public; grant all on api.items to public;
       create table api.log (what text); grant all on api.log to public;
       create table api.counters (id int primary key, n int not null); insert into api.counters values (1, 0);
       grant all on api.counters to public;
       create sequence api.tries; grant all on sequence api.tries to public;
       create function api.show(name text) returns text stable language sql as 'select current_setting(name, true)';
       create function api.hoisted(name text) returns text stable language sql
         set statement_timeout = '7s' set lock_timeout = '6s' set work_mem = '6MB' as 'select current_setting(name, true)';
       create function api.seen_by(api.log) returns text stable language sql as
         $$ select current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') $$;
       create function api.logged() returns setof api.log stable language sql
         set statement_timeout = '9s' set lock_timeout = '8s' as $$ select 'x'::text $$;
       create function api.serializable() returns text language sql
         set default_transaction_isolation = 'SERIALIZABLE' as $$ select current_setting('transaction_isolation') $$;
       -- Changes a row that another request has changed since the snapshot of this one was taken.
       create function api.count_late() returns int language plpgsql as $$
       begin
         perform nextval('api.tries'), n from api.counters;
         perform pg_advisory_lock(1), pg_advisory_unlock(1);
         update api.counters set n = n + 1;
         return 1;
       end $$;
       create function api.locked() returns int language plpgsql as $$
       begin
         perform from api.counters for update;
         return 1;
       end $$;`,
  );
});
after(() => server?.drop());

const as = (role) => ({ claims: { role } });
const show = async (name, options = {}) => {
  const answer = await server.get(`/rpc/show?name=${name}`, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
};

// A session whose transaction stays open between two commands.
class Session {
  constructor() {
    this.said = '';
    this.count = 0;
    this.psql = spawn(join(ROOT, 'script', 'cluster'), ['psql', server.dir, '-d', 'app', '-At'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.psql.stdout.on('data', (data) => (this.said += data));
  }
  async run(sql) {
    const done = `done ${++this.count}`;
    this.psql.stdin.write(`${sql};\n\\echo ${done}\n`);
    await until(done, () => this.said.includes(done));
  }
  end() {
    this.psql.stdin.end();
  }
}

// Runs requests of every kind, reading and writing, until the work is done.
async function underLoad(request, work) {
  let done = false;
  const client = async (n) => {
    for (let i = 0; !done; i++) {
      if (n === 0) assert.equal((await server.post('/log', { what: `${i}` })).status, 201);
      else await request();
    }
  };
  const clients = [0, 1, 2, 3, 4].map(client);
  try {
    await work();
  } finally {
    done = true;
    await Promise.all(clients);
  }
}

// --- changes -------------------------------------------------------------------------------------------------

test('a changed setting of a role is seen by every request that begins after it', async () => {
  let committed = 0;
  let seen = 0;
  const check = async () => {
    const least = committed;
    const value = await show('work_mem', as('crew'));
    seen++;
    assert.ok(value === '4MB' ? least === 0 : Number.parseInt(value, 10) - 1000 >= least, `${value} after ${least}`);
  };
  await underLoad(check, async () => {
    for (let i = 1; i <= 20; i++) {
      await server.sql(`alter role crew set work_mem = '${1000 + i}kB'`);
      committed = i;
      await Promise.all([check(), check(), check(), check()]);
    }
  });
  assert.ok(seen > 80);
  await server.sql('alter role crew reset work_mem');
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(() => show('work_mem', as('crew')))), Array(5).fill('4MB'));
});

test('a change that is not committed is seen by nobody', async () => {
  const session = new Session();
  for (const end of ['rollback', 'commit']) {
    await session.run(`begin; alter role crew set work_mem = '2MB'`);
    for (let i = 0; i < 5; i++) {
      assert.equal(await show('work_mem', as('crew')), '4MB');
      await server.post('/log', { what: 'a commit of somebody else' });
    }
    await session.run(end);
    for (let i = 0; i < 5; i++) assert.equal(await show('work_mem', as('crew')), end === 'commit' ? '2MB' : '4MB');
  }
  session.end();
  await server.sql('alter role crew reset all');
  assert.equal(await show('work_mem', as('crew')), '4MB');
});

test('the isolation level and time limits of a role change as well', async () => {
  await server.sql(`alter role crew set default_transaction_isolation = 'Repeatable Read'; alter role crew set statement_timeout = '100ms'`);
  assert.equal(await show('transaction_isolation', as('crew')), 'repeatable read');
  assert.equal((await server.get('/rpc/nap?seconds=20', as('crew'))).body.code, '57014');
  await server.sql(`alter role crew set default_transaction_isolation = 'read uncommitted'; alter role crew reset statement_timeout`);
  assert.equal(await show('transaction_isolation', as('crew')), 'read committed');
  assert.equal((await server.get('/rpc/nap?seconds=0.2', as('crew'))).status, 200);
  await server.sql('alter role crew reset all');
});

test('a role granted to the authenticator, or taken away, is so for the next request', async () => {
  let granted = false;
  let sure = true; // false while a change is under way
  const check = async () => {
    const [was, certain] = [granted, sure];
    const { status, body } = await server.get('/items?id=eq.1', as('newcomer'));
    if (certain && sure && was === granted) assert.equal(status, was ? 200 : 403, JSON.stringify(body));
  };
  await underLoad(check, async () => {
    for (let i = 0; i < 12; i++) {
      sure = false;
      await server.sql(granted ? 'revoke newcomer from authenticator' : 'grant newcomer to authenticator');
      granted = !granted;
      sure = true;
      const answers = await Promise.all([1, 2, 3, 4].map(() => server.get('/items?id=eq.1', as('newcomer'))));
      for (const { status, body } of answers) {
        assert.equal(status, granted ? 200 : 403);
        if (!granted) assert.equal(body.code, '42501');
      }
    }
  });
});

test('a role that is created, renamed, or dropped', async () => {
  const get = async (role) => (await server.get('/items?id=eq.1', as(role))).status;
  assert.equal(await get('fresh'), 401);
  await server.sql(`create role fresh; grant fresh to authenticator; alter role fresh set work_mem = '3MB'`);
  assert.equal(await show('work_mem', as('fresh')), '3MB');
  await server.sql('alter role fresh rename to stale');
  assert.deepEqual([await get('fresh'), await show('work_mem', as('stale'))], [401, '3MB']);
  await server.sql('drop role stale; create role fresh; grant fresh to authenticator');
  assert.equal(await show('work_mem', as('fresh')), '4MB');
  assert.equal(await get('stale'), 401);
});

// --- which settings act --------------------------------------------------------------------------------------

test('settings of a role in one database do not act, those of the anonymous role do', async () => {
  await server.sql(`alter role crew in database app set work_mem = '3MB'; alter role anon set work_mem = '2MB'`);
  assert.deepEqual([await show('work_mem', as('crew')), await show('work_mem')], ['4MB', '2MB']);
  await server.sql('alter role crew in database app reset all; alter role anon reset all');
  assert.equal(await show('work_mem'), '4MB');
});

test('a group that is reached through another role brings no settings, the role itself may be taken', async () => {
  await server.sql(`alter role hub set work_mem = '2MB'; alter role spoke set work_mem = '3MB'`);
  assert.deepEqual([await show('work_mem', as('hub')), await show('work_mem', as('spoke'))], ['2MB', '4MB']);
  await server.sql('grant spoke to authenticator');
  assert.equal(await show('work_mem', as('spoke')), '3MB');
  await server.sql('revoke spoke from authenticator');
  assert.equal(await show('work_mem', as('spoke')), '4MB');
});

test('only parameters that the server knows', async () => {
  await server.sql(`alter role crew set app.zone = 'north'; alter role crew set work_mem = '2MB'`);
  assert.deepEqual([await show('app.zone', as('crew')), await show('work_mem', as('crew'))], [null, '2MB']);
  await server.sql('alter role crew reset all');
});

test('a parameter of superusers acts when the authenticator may set it', async () => {
  await server.sql(`alter role crew set log_min_duration_statement = '77s'`);
  assert.equal(await show('log_min_duration_statement', as('crew')), '-1');
  await server.sql('grant set on parameter log_min_duration_statement to crew');
  assert.equal(await show('log_min_duration_statement', as('crew')), '-1');
  await server.sql('grant set on parameter log_min_duration_statement to authenticator');
  assert.equal(await show('log_min_duration_statement', as('crew')), '77s');
  await server.sql('revoke set on parameter log_min_duration_statement from authenticator');
  assert.equal(await show('log_min_duration_statement', as('crew')), '-1');
});

test('settings of one role do not meet the next', async () => {
  await server.sql(`alter role crew set work_mem = '2MB'; alter role crew set search_path = tools, api`);
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => server.get('/rpc/show?name=work_mem', n % 2 ? as('crew') : as('clerk'))),
  );
  answers.forEach((answer, n) => assert.equal(answer.body, n % 2 ? '2MB' : '4MB'));
  assert.deepEqual([await show('search_path', as('crew')), await show('search_path')], ['tools, api', '"api"']);
  await server.sql('alter role crew reset all');
});

test('lock_timeout of a role', async () => {
  await server.sql(`alter role patient set lock_timeout = '100ms'`);
  const session = new Session();
  await session.run('begin; select from api.counters for update');
  const answer = await server.post('/rpc/locked', {}, as('patient'));
  assert.deepEqual([answer.status, answer.body.code], [500, '55P03']);
  await session.run('commit');
  session.end();
  assert.equal((await server.post('/rpc/locked', {}, as('patient'))).status, 200);
});

// --- functions -----------------------------------------------------------------------------------------------

test('hoisted settings are chosen by regular expressions', async () => {
  const seen = async () => (await server.get('/rpc/logged?select=seen_by')).body[0].seen_by;
  assert.equal(await seen(), '9s 0');
  for (const [list, wanted] of [
    ['_timeout', '9s 8s'],
    ['^lock', '0 8s'],
    ['timeout=9', '9s 0'],
    ['^(statement|lock)_timeout=', '9s 8s'],
    ['timeout$', '0 0'],
  ]) {
    server.reload({ 'pgrest.db_hoisted_tx_settings': list });
    await until(`${list} to act`, async () => (await seen()) === wanted);
  }
  server.reload({ 'pgrest.db_hoisted_tx_settings': 'statement_timeout, plan_filter.statement_cost_limit, default_transaction_isolation' });
  await until('the list as before', async () => (await seen()) === '9s 0');
});

test('the isolation level of a function goes over that of the role', async () => {
  await server.sql(`alter role serial set default_transaction_isolation = 'repeatable read'`);
  assert.equal(await show('transaction_isolation', as('serial')), 'repeatable read');
  assert.equal((await server.post('/rpc/serializable', {}, as('serial'))).body, 'serializable');
  assert.equal((await server.post('/rpc/serializable', {})).body, 'serializable');
});

test('a serialization failure is answered, not tried again', async () => {
  const tries = Number(await server.sql('select last_value - (not is_called)::int from api.tries'));
  const session = new Session();
  await session.run('select pg_advisory_lock(1)');
  const late = server.post('/rpc/count_late', {}, as('serial'));
  await until('the request to wait', async () => (await server.sql(`select count(*) from pg_locks where locktype = 'advisory' and not granted`)) === '1');
  await server.sql('update api.counters set n = n + 1');
  await session.run('select pg_advisory_unlock(1)');
  session.end();
  const answer = await late;
  assert.deepEqual([answer.status, answer.body.code], [500, '40001']);
  assert.equal(Number(await server.sql('select last_value from api.tries')), tries + 1);
});

test('without db_config no role has settings', async () => {
  await server.sql(`alter role crew set work_mem = '2MB'`);
  server.reload({ 'pgrest.db_config': 'off' });
  await until('no settings of roles', async () => (await show('work_mem', as('crew'))) === '4MB');
  assert.equal(await show('transaction_isolation', as('serial')), 'read committed');
  server.reload({ 'pgrest.db_config': 'on' });
  await until('settings of roles', async () => (await show('work_mem', as('crew'))) === '2MB');
});
