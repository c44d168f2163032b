// What docs/security.md says of anonymous requests and of tokens, as far as no other test holds it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    {},
    `create role authenticator login noinherit;
     create role anon;
     create role clerk;
     grant anon, clerk to authenticator;
     create schema api;
     grant usage on schema api to anon, clerk;
     create table api.closed (id int primary key);
     create function api.new_function() returns text language sql stable as $$ select current_user::text $$;
     create function api.closed_function() returns int language sql stable as 'select 1';
     revoke execute on function api.closed_function() from public;
     create table api.slow (id int);
     alter table api.slow enable row level security;
     create policy slow on api.slow using (pg_sleep(60) is not null);
     insert into api.slow values (1);
     grant select on api.slow to anon;
     alter role anon set statement_timeout = '100ms';
     create table api.texts (body text);
     insert into api.texts values ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
     grant select on api.texts to anon;
     create table api.policed (id int, owner text);
     insert into api.policed values (1, 'anon'), (2, 'clerk');
     alter table api.policed enable row level security;
     create policy own on api.policed using (owner = current_user);
     create function api.leak(api.policed) returns boolean language plpgsql cost 0.0001 as
       $$ begin if $1.owner <> current_user then raise 'seen: %', $1; end if; return true; end $$;
     create function api.leaks(text, text) returns boolean language plpgsql cost 0.0001 as
       $$ begin if $1 <> current_user then raise 'seen: %', $1; end if; return true; end $$;
     create operator api.@> (leftarg = text, rightarg = text, function = api.leaks);
     grant select on api.policed to anon;`,
  );
});
after(() => server?.drop());

const outcome = async (method, path, options) => {
  const answer = await server.send(method, path, options);
  return `${answer.status} ${answer.body?.code ?? answer.text}`;
};

test('a new function can be called without a token', async () => {
  assert.equal(await outcome('GET', '/rpc/new_function'), '200 "anon"');
});

test('what is forbidden is 401, what does not exist 404', async () => {
  assert.equal(await outcome('GET', '/closed'), '401 42501');
  assert.equal(await outcome('GET', '/nothing'), '404 PGRST205');
  assert.equal(await outcome('GET', '/rpc/closed_function'), '401 42501');
  assert.equal(await outcome('GET', '/rpc/nothing'), '404 PGRST202');
});

test('functions of pg_catalog have no address', async () => {
  for (const call of ['pg_sleep?seconds=0', 'version', 'pg_read_file?filename=PG_VERSION'])
    assert.equal(await outcome('GET', `/rpc/${call}`), '404 PGRST202');
});

test('OPTIONS does not look at rights', async () => {
  const answer = await server.send('OPTIONS', '/closed');
  assert.equal(answer.headers.get('allow'), 'OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE');
});

test('statement_timeout of the anonymous role', async () => {
  assert.equal(await outcome('GET', '/slow'), '500 57014');
});

test('a regular expression that takes long ends with the timeout', async () => {
  assert.equal(await outcome('GET', `/texts?body=match.${'(a*)*'.repeat(1600)}b`), '500 57014');
});

test('functions and operators of filters see no row that a policy hides', async () => {
  const mine = '200 [{"id":1}]';
  const answer = async (query) => {
    const { status, text } = await server.get(`/policed?select=id${query}`);
    return `${status} ${text}`;
  };
  assert.equal(await answer('&leak=is.true'), mine);
  assert.equal(await answer('&owner=cs.x'), mine);
  assert.equal(await answer('&order=leak'), mine);
  assert.equal(await answer('&or=(leak.is.true,owner.cs.x,id.eq.2)'), mine);
});

test('a token in a cookie or in the query string is none', async () => {
  const clerk = token({ role: 'clerk' });
  const as = (headers) => outcome('GET', '/rpc/new_function', { headers });
  assert.equal(await as({ Authorization: `Bearer ${clerk}` }), '200 "clerk"');
  for (const name of ['Authorization', 'token', 'access_token', 'jwt'])
    assert.equal(await as({ Cookie: `${name}=${clerk}; x=Bearer ${clerk}` }), '200 "anon"');
  assert.equal(await outcome('GET', `/rpc/new_function?access_token=${clerk}`), '404 PGRST202');
});

test('a role that is revoked is refused by the next request', async () => {
  const as = () => outcome('GET', '/rpc/new_function', { claims: { role: 'clerk' } });
  assert.equal(await as(), '200 "clerk"');
  await server.sql('revoke clerk from authenticator');
  assert.equal(await as(), '403 42501');
  await server.sql('grant clerk to authenticator');
  assert.equal(await as(), '200 "clerk"');
});

test('without an anonymous role there is nothing to see', async () => {
  server.reload({ 'pgrest.db_anon_role': '' });
  await until('the reload', async () => (await outcome('GET', '/rpc/new_function')) === '401 PGRST302');
  for (const path of ['/closed', '/nothing', '/rpc/nothing', '/'])
    assert.equal(await outcome('GET', path), '401 PGRST302', path);
});
