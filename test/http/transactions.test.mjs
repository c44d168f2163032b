// The transaction of a request: its settings and their order, the function that runs first, how it ends.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.workers': 2, 'pgrest.db_extra_search_path': 'tools, quo"ted' },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create role slow; create role strict; create role crew; create role skipper in role crew;
       grant slow, strict, crew, skipper to authenticator;
       create schema tools; create schema hooks; grant usage on schema api, tools, hooks to public;
       alter role slow set statement_timeout = '150ms';
       alter role strict set default_transaction_isolation = 'serializable';
       alter role strict set timezone = 'Asia/Tokyo';
       alter role strict set search_path = 'pg_catalog', 'tools';
       alter role crew set work_mem = '5MB';
       alter role strict set log_statement_stats = 'on';
       create table api.log (what text); grant all on api.log to public;
       create table api.late (id int unique deferrable initially deferred); grant all on api.late to public;
       create function api.show(name text) returns text stable language sql as 'select current_setting(name, true)';
       create function api.hoisted(name text) returns text stable language sql
         set statement_timeout = '7s' set work_mem = '6MB' as 'select current_setting(name, true)';
       create view api.seen as select current_setting('statement_timeout') as timeout, current_setting('work_mem') as memory,
         current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as read_only, current_user as who;
       create function api.seeing() returns setof api.seen stable language plpgsql
         set statement_timeout = '8s' set work_mem = '6MB' set default_transaction_isolation = 'repeatable read' as
         $$ begin return query select * from api.seen; end $$;
       create function api.seen_by(api.log) returns text stable language sql as $$ select current_setting('statement_timeout') $$;
       create function api.logged() returns setof api.log stable language sql
         set statement_timeout = '9s' as $$ select 'x'::text $$;
       create function api.too_slow() returns text stable language sql set statement_timeout = '100ms' as
         $$ select 'slept' from pg_sleep(10) $$;
       create function api.mode() returns text volatile language sql as $$ select current_setting('transaction_read_only') $$;
       create function api.stable_mode() returns text stable language sql as $$ select current_setting('transaction_read_only') $$;
       create function api.add_log(what text) returns void language sql as 'insert into api.log values (what)';
       create function hooks.check() returns void language plpgsql as $$
       declare
         wish text := current_setting('request.headers')::json ->> 'x-wish';
       begin
         perform set_config('my.hook', current_user || ' ' || current_setting('request.method') || ' ' || current_setting('request.path'), true);
         case wish
           when 'refuse' then raise exception 'Badge revoked' using hint = 'Ask at the gate';
           when 'switch' then set local role clerk;
           when 'headers' then perform set_config('response.headers', '[{"X-Hook": "was here"}]', true);
           when 'status' then perform set_config('response.status', '299', true);
           when 'write' then insert into api.log values ('by the hook');
           when 'sleep' then perform pg_sleep(10);
           else null;
         end case;
       end $$;
       create function hooks.closed() returns void language sql as 'select';
       revoke execute on function hooks.closed() from public;
       grant select on api.seen to public;`,
  );
});
after(() => server?.drop());

const show = async (name, options = {}) => {
  const answer = await server.get(`/rpc/show?name=${name}`, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
};
const as = (role, more = {}) => ({ claims: { role, ...more } });
const log = () => server.sql(`select coalesce(string_agg(what, ',' order by what), '') from api.log`);

// --- settings ------------------------------------------------------------------------------------------------

test('settings of a role', async () => {
  assert.equal(await show('statement_timeout', as('slow')), '150ms');
  assert.equal(await show('statement_timeout'), '0');
  assert.equal(await show('timezone', as('strict')), 'Asia/Tokyo');
  assert.equal(await show('search_path', as('strict')), 'pg_catalog, tools');
  assert.equal(await show('transaction_isolation', as('strict')), 'serializable');
  assert.equal(await show('transaction_isolation'), 'read committed');
});

test('settings of a group do not pass to its members, nor those that only a superuser may set', async () => {
  assert.equal(await show('work_mem', as('crew')), '5MB');
  assert.notEqual(await show('work_mem', as('skipper')), '5MB');
  assert.equal(await show('log_statement_stats', as('strict')), 'off');
});

test('statement_timeout of a role ends a request, and the next one has none', async () => {
  const answer = await server.get('/rpc/nap?seconds=10', as('slow'));
  assert.deepEqual([answer.status, answer.body.code], [500, '57014']);
  assert.equal((await server.get('/rpc/nap?seconds=0.3')).status, 200);
});

test('settings of a function: hoisted ones act on the whole transaction', async () => {
  assert.equal((await server.get('/rpc/hoisted?name=statement_timeout', as('slow'))).body, '7s');
  assert.deepEqual((await server.get('/rpc/logged?select=seen_by')).body, [{ seen_by: '9s' }]);
  const [seen] = (await server.get('/rpc/seeing', as('strict'))).body;
  assert.deepEqual([seen.timeout, seen.memory, seen.isolation], ['8s', '6MB', 'repeatable read']);
  const slow = await server.get('/rpc/too_slow');
  assert.deepEqual([slow.status, slow.body.code], [500, '57014']);
});

test('db_hoisted_tx_settings replaces the list', async () => {
  server.reload({ 'pgrest.db_hoisted_tx_settings': 'work_mem' });
  // A timeout that acts only inside the function stops nothing.
  await until('the list', async () => (await server.get('/rpc/logged?select=seen_by')).body[0].seen_by === '0');
  assert.equal((await server.get('/rpc/seeing')).body[0].isolation, 'repeatable read');
  server.reload({ 'pgrest.db_hoisted_tx_settings': 'statement_timeout, plan_filter.statement_cost_limit, default_transaction_isolation' });
  await until('the list as before', async () => (await server.get('/rpc/logged?select=seen_by')).body[0].seen_by === '9s');
});

test('later settings go over earlier ones', async () => {
  assert.equal(await show('timezone', { ...as('strict'), headers: { Prefer: 'timezone=Europe/Vienna' } }), 'Europe/Vienna');
  assert.equal(await show('search_path'), '"api", "tools", "quo""ted"');
});

test('what SQL learns about a request', async () => {
  const options = { ...as('clerk', { desk: 7, 'odd-name': 1, nested: { a: [1] }, big: 5 }), headers: { Cookie: 'a=1; b="two"', 'X-Own': 'Yes', Accept: 'application/json' } };
  const read = async (name) => (await server.post('/rpc/value', { query: `select current_setting('${name}', true)` }, options)).body;
  assert.deepEqual(JSON.parse(await read('request.jwt.claims')), { role: 'clerk', desk: 7, 'odd-name': 1, nested: { a: [1] }, big: 5 });
  assert.equal(await read('request.jwt.claim.desk'), '7');
  assert.equal(await read('request.jwt.claim.nested'), '{"a":[1]}');
  assert.equal(await read('request.jwt.claim.role'), 'clerk');
  assert.equal(await read('request.method'), 'POST');
  assert.equal(await read('request.path'), '/rpc/value');
  assert.deepEqual(JSON.parse(await read('request.cookies')), { a: '1', b: 'two' });
  const headers = JSON.parse(await read('request.headers'));
  assert.equal(headers['x-own'], 'Yes');
  assert.equal(headers.cookie, undefined);
  assert.match(headers.authorization, /^Bearer /);
  assert.equal(await show('request.path', { headers: {} }), '/rpc/show');
  assert.deepEqual(JSON.parse(await show('request.jwt.claims')), { role: 'anon' });
});

test('app.settings of the database, after a reload', async () => {
  const harbour = () => show('app.settings.harbour');
  await server.sql(`alter database app set app.settings.harbour = 'Aldermouth'`);
  server.reload();
  await until('the new setting', async () => (await harbour()) === 'Aldermouth');
  await server.sql('alter database app reset app.settings.harbour');
  server.reload();
  await until('its end', async () => (await harbour()) !== 'Aldermouth');
});

// --- access mode ---------------------------------------------------------------------------------------------

test('access mode by method and volatility', async () => {
  assert.equal((await server.get('/seen')).body[0].read_only, 'on');
  assert.equal((await server.get('/rpc/mode')).body, 'on');
  assert.equal((await server.post('/rpc/mode', {})).body, 'off');
  assert.equal((await server.post('/rpc/stable_mode', {})).body, 'on');
  assert.equal((await server.get('/rpc/add_log?what=x')).body.code, '25006');
  assert.equal(await log(), '');
});

// --- pre-request ---------------------------------------------------------------------------------------------

const wish = (text, more = {}) => ({ headers: { 'X-Wish': text }, ...more });

test('the pre-request function', async (t) => {
  server.reload({ 'pgrest.db_pre_request': 'hooks.check' });
  await until('the function', async () => (await show('my.hook')) === 'anon GET /rpc/show');

  await t.test('runs in every request, as its role', async () => {
    assert.equal(await show('my.hook', as('clerk')), 'clerk GET /rpc/show');
    assert.equal(await server.value(`select current_setting('my.hook')`), 'anon POST /rpc/value');
  });
  await t.test('can refuse', async () => {
    for (const [method, path, body] of [['GET', '/items'], ['POST', '/log', { what: 'x' }], ['POST', '/rpc/add_log', { what: 'x' }]]) {
      const answer = await server.send(method, path, wish('refuse', { body }));
      assert.deepEqual({ status: answer.status, ...answer.body }, { status: 400, code: 'P0001', message: 'Badge revoked', details: null, hint: 'Ask at the gate' });
    }
    assert.equal(await log(), '');
  });
  await t.test('can change the role', async () => {
    assert.equal((await server.get('/seen', wish('switch'))).body[0].who, 'clerk');
    assert.equal((await server.get('/rpc/show?name=request.jwt.claims', wish('switch'))).body, '{"role":"anon"}');
    assert.equal((await server.get('/seen')).body[0].who, 'anon');
  });
  await t.test('can shape the answer', async () => {
    assert.equal((await server.get('/items', wish('headers'))).headers.get('x-hook'), 'was here');
    assert.equal((await server.get('/items', wish('status'))).status, 299);
  });
  await t.test('obeys the access mode', async () => {
    assert.equal((await server.get('/items', wish('write'))).body.code, '25006');
    assert.equal((await server.post('/log', { what: 'mine' }, wish('write'))).status, 201);
    assert.equal(await log(), 'by the hook,mine');
    await server.sql('truncate api.log');
  });
  await t.test('obeys statement_timeout', async () => {
    assert.equal((await server.get('/items', wish('sleep', as('slow')))).body.code, '57014');
  });
  await t.test('is not called where no transaction is', async () => {
    assert.equal((await server.send('OPTIONS', '/items', wish('refuse'))).status, 200);
    assert.equal((await server.get('/nothing', wish('refuse'))).body.code, 'PGRST205');
    assert.equal((await server.get('/items?id=x', wish('refuse'))).body.code, 'PGRST100');
  });
  await t.test('needs privileges, and to exist', async () => {
    server.reload({ 'pgrest.db_pre_request': 'hooks.closed' });
    await until('the other function', async () => (await server.get('/items')).status === 401);
    assert.equal((await server.get('/items', as('clerk'))).body.code, '42501');
    server.reload({ 'pgrest.db_pre_request': 'hooks.nothing' });
    await until('no function', async () => (await server.get('/items')).status === 404);
    assert.equal((await server.get('/items')).body.code, '42883');
  });
  server.reload({ 'pgrest.db_pre_request': '' });
  await until('no function', async () => (await server.get('/items')).status === 200);
});

// --- the end -------------------------------------------------------------------------------------------------

// For each mode: what happens without a wish, with tx=commit, with tx=rollback; and whether a wish is echoed.
for (const [mode, kept, echoed] of [
  ['commit', [true, true, true], false],
  ['commit-allow-override', [true, true, false], true],
  ['rollback', [false, false, false], false],
  ['rollback-allow-override', [false, true, false], true],
]) {
  test(`db_tx_end = ${mode}`, async () => {
    server.reload({ 'pgrest.db_tx_end': mode });
    await until('the mode', async () => (await server.sql('show pgrest.db_tx_end')) === mode);
    await server.sql('truncate api.log');
    // The setting has reached the server's processes when an answer is as it must be.
    const outcome = async (tx) => {
      const answer = await server.post('/log', { what: tx || 'none' }, { headers: { Prefer: tx ? `tx=${tx}, return=representation` : 'return=representation' } });
      assert.deepEqual([answer.status, answer.body], [201, [{ what: tx || 'none' }]]);
      const found = (await log()) !== '';
      await server.sql('truncate api.log');
      return [found, (answer.headers.get('preference-applied') ?? '').includes('tx=')];
    };
    await until('the mode to act', async () => {
      const [found, echo] = await outcome('rollback');
      return found === kept[2] && echo === echoed;
    });
    assert.deepEqual(await outcome(''), [kept[0], false]);
    assert.deepEqual(await outcome('commit'), [kept[1], echoed]);
    assert.deepEqual(await outcome('rollback'), [kept[2], echoed]);
    for (const path of ['/items?id=eq.1', '/rpc/whoami'])
      assert.equal((await server.get(path, { headers: { Prefer: 'tx=commit' } })).headers.get('preference-applied'), echoed ? 'tx=commit' : null);
  });
}

test('deferred constraints are checked before a rollback too', async () => {
  server.reload({ 'pgrest.db_tx_end': 'rollback-allow-override' });
  const twice = [{ id: 1 }, { id: 1 }];
  await until('the mode', async () => (await server.get('/items?id=eq.1', { headers: { Prefer: 'tx=rollback' } })).headers.get('preference-applied'));
  for (const tx of ['commit', 'rollback']) {
    const answer = await server.post('/late', twice, { headers: { Prefer: `tx=${tx}` } });
    assert.deepEqual([answer.status, answer.body.code, answer.headers.get('preference-applied')], [409, '23505', null]);
  }
  assert.equal(await server.sql('select count(*) from api.late'), '0');
});

test('an error rolls back, whatever was wished', async () => {
  const answer = await server.post('/log', [{ what: 'a' }, { what: 'b' }], { headers: { Prefer: 'tx=commit', Accept: 'application/vnd.pgrst.object+json' } });
  assert.equal(answer.body.code, 'PGRST116');
  assert.equal(await log(), '');
  server.reload({ 'pgrest.db_tx_end': 'commit' });
});
