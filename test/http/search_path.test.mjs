// What a role chooses by its search path decides what its own SQL means, and nothing of pgrest's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server, until } from './server.mjs';

let server;
before(async () => {
  const schema = `${readFileSync(new URL('fixture.sql', import.meta.url), 'utf8')}
    create schema other;
    create schema webs;
    create role web;
    grant web to authenticator;
    grant usage on schema api, other, webs to public;
    create function api.check_user() returns void language plpgsql as $$
    begin
      if current_user = 'web' then raise exception 'api refuses'; end if;
    end $$;
    create function webs.check_user() returns void language sql as '';
    create function other.check_user() returns void language sql as '';
    create table other.items (id int);
    grant select on other.items to public;
    create function api.alter_me() returns void language sql as '';
    alter role web set search_path = 'webs';`;
  server = await Server.start({ 'pgrest.db_pre_request': 'check_user', 'pgrest.db_schemas': 'api, other' }, schema);
});
after(() => server?.drop());

const web = (path, headers = {}) => server.get(path, { claims: { role: 'web' }, headers });
const configured = async (settings, condition) => {
  server.reload(settings);
  await until('the settings', condition);
};

test('a pre-request function without a schema is not that of the role', async () => {
  for (const path of ['', 'webs', 'webs, api', 'webs, pg_catalog', 'pg_temp, webs']) {
    await server.sql(`alter role web set search_path = ${path ? path : "''"}`);
    const { status, body } = await web('/items');
    assert.deepEqual([status, body.message], [400, 'api refuses'], path);
  }
  // all exposed schemas have one check, not each its own
  assert.equal((await web('/items', { 'Accept-Profile': 'other' })).body.message, 'api refuses');
  assert.equal((await server.get('/items?limit=1')).status, 200);
});

test('it is looked for in the exposed schemas, then in the extra search path, and DDL is seen at once', async () => {
  const message = async () => {
    const { status, body } = await server.get('/items?limit=1');
    return status === 200 ? 'passed' : `${body.code} ${body.message}`;
  };
  const raising = (schema, more = '') => server.sql(`create or replace function ${schema}.check_user(${more}) returns void language plpgsql as $$ begin raise '${schema} refuses'; end $$`);
  assert.equal(await message(), 'passed');
  await raising('public');
  assert.equal(await message(), 'passed');
  await server.sql('drop function api.check_user()');
  assert.equal(await message(), 'passed');
  await server.sql('drop function other.check_user()');
  assert.equal(await message(), 'P0001 public refuses');
  await raising('other', 'n int default 1');
  assert.equal(await message(), 'P0001 other refuses');
  await server.sql('drop function other.check_user(int); create function other.check_user(n int) returns void language sql as $$$$; create procedure api.check_user() language sql as $$$$');
  assert.equal(await message(), 'P0001 public refuses');
  await server.sql('drop function public.check_user(); drop procedure api.check_user()');
  const { status, body } = await server.get('/items?limit=1');
  assert.deepEqual([status, body.code], [404, '42883']);
  assert.equal(body.message, 'function check_user() does not exist');
  await server.sql(`create function api.check_user() returns void language sql as ''`);
  assert.equal(await message(), 'passed');
});

test('a pre-config function without a schema is not that of the session', async () => {
  await server.sql(`
    create function webs.configure() returns void language sql as $$ select set_config('pgrst.db_max_rows', '1', true) $$;
    create function api.configure() returns void language sql as $$ select set_config('pgrst.db_max_rows', '3', true) $$;
    alter role authenticator set search_path = 'webs'`);
  const rows = async () => (await server.get('/items')).body.length;
  await server.restart({ 'pgrest.db_pre_config': 'configure' });
  await server.ready();
  await until('the settings of the function', async () => (await rows()) !== 10);
  assert.equal(await rows(), 3);
  await server.sql('alter role authenticator reset search_path');
  await configured({ 'pgrest.db_pre_config': '' }, async () => (await rows()) === 10);
});

test("operators and types of the role do not change pgrest's own SQL", async () => {
  await server.sql(`
    create table api.shelf (id int primary key, n int default 7, note text, data jsonb);
    create table api.book (id int primary key, shelf_id int references api.shelf);
    create function api.sum(a int, b int) returns int immutable language sql as 'select a operator(pg_catalog.+) b';
    grant select, insert, update, delete on api.shelf, api.book to public;
    create schema evil;
    grant usage on schema evil to public;
    create function evil.fail() returns text language plpgsql as $$ begin raise 'evil ran'; end $$;
    create domain evil.text as pg_catalog.text check (value is null);
    create domain evil.json as pg_catalog.json check (value is null);
    create domain evil.jsonb as pg_catalog.jsonb check (value is null);
    create domain evil.int4 as pg_catalog.int4 check (value is null);
    create domain evil.regclass as pg_catalog.regclass check (value is null);
    create function evil.jj(pg_catalog.jsonb, pg_catalog.jsonb) returns pg_catalog.jsonb language sql as 'select evil.fail()::pg_catalog.jsonb';
    create operator evil.|| (leftarg = pg_catalog.jsonb, rightarg = pg_catalog.jsonb, function = evil.jj);
    create function evil.ii(pg_catalog.int4, pg_catalog.int4) returns pg_catalog.int4 language sql as 'select evil.fail()::pg_catalog.int4';
    create operator evil.+ (leftarg = pg_catalog.int4, rightarg = pg_catalog.int4, function = evil.ii);
    create operator evil.- (leftarg = pg_catalog.int4, rightarg = pg_catalog.int4, function = evil.ii);
    create function evil.tt(pg_catalog.text, pg_catalog.text) returns pg_catalog.bool language sql as $$ select evil.fail() is null $$;
    create operator evil.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = evil.tt);
    create operator evil.<> (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = evil.tt);
    create role misled;
    grant misled to authenticator;
    alter role misled set search_path = 'evil', 'pg_catalog', 'api'`);
  const as = (role) => (method, path, body, headers = {}) => server.send(method, path, { body, headers, claims: { role } });
  const all = async (send) => {
    const answers = [];
    for (const [method, path, body, prefer = 'return=representation'] of [
      ['POST', '/shelf?columns=id,n,note', [{ id: 1 }, { id: 2, n: 5, note: 'x' }], 'return=representation, missing=default'],
      ['POST', '/shelf?columns=id,n', { id: 3 }, 'return=representation, missing=default'],
      ['POST', '/shelf', { id: 1, data: { a: 1 } }, 'return=representation, resolution=merge-duplicates'],
      ['POST', '/shelf', [{ id: 1, n: 8 }, { id: 4, n: 8 }], 'resolution=merge-duplicates'],
      ['PUT', '/shelf?id=eq.4', { id: 4, note: 'y' }],
      ['PATCH', '/shelf?id=eq.4', { note: 'z' }],
      ['POST', '/book', { id: 1, shelf_id: 1 }, 'return=headers-only'],
      ['GET', '/shelf?select=id,n,note,data->a,book(id)&order=id', undefined, 'count=exact'],
      ['GET', '/book?select=id,shelf(id,note)&id=in.(1,2)', undefined, 'count=estimated'],
      ['GET', '/shelf?select=id,...book(books:id)&limit=2&order=id', undefined, 'count=exact'],
      ['POST', '/rpc/sum', { a: 1, b: 2 }],
      ['POST', '/rpc/sum', [{ a: 1, b: 2 }]],
      ['GET', '/rpc/sum?a=1&b=2'],
      ['DELETE', '/book?id=eq.1'],
      ['DELETE', '/shelf?id=gt.0'],
    ]) {
      const answer = await send(method, path, body, { Prefer: prefer });
      answers.push([method, path, answer.status, answer.body, answer.headers.get('content-range')]);
      assert.ok(answer.status < 300, `${method} ${path} ${answer.text}`);
    }
    return answers;
  };
  assert.deepEqual(await all(as('misled')), await all(as('clerk')));
});

test('the lock of the role says what it is', async () => {
  for (const command of ['reset role', 'set role anon', `select set_config('role', 'clerk', true)`, 'set session authorization default']) {
    const { status, body } = await server.post('/rpc/run', { command }, { claims: { role: 'clerk' } });
    assert.deepEqual([status, body.code], [403, '42501'], command);
    assert.match(body.message, /role is locked for the request.*pgrest\.lock_role/, command);
    assert.match(body.hint, /pgrest\.lock_role = off/);
    assert.equal(body.details, null);
  }
  assert.equal((await server.post('/rpc/run', { command: 'reset role' })).status, 401);
  // before the lock it is PostgreSQL that refuses
  await server.sql(`create function api.switch() returns void security definer language plpgsql as $$ begin set local role clerk; end $$`);
  await configured({ 'pgrest.db_pre_request': 'api.switch' }, async () => (await server.get('/items')).status !== 200);
  assert.match((await server.get('/items')).body.message, /security-definer/);
});
