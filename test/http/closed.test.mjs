// Settings that cannot work close the API; they never open it wider than was meant.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, sleep, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start();
});
after(() => server?.drop());

const refused = [
  ['pgrest.db_tx_end', 'sometimes'],
  ['pgrest.db_schemas', 'pg_catalog'],
  ['pgrest.jwt_role_claim_key', 'no path ['],
  ['pgrest.jwt_secret', '{"kty": "oct"'],
  ['pgrest.client_error_verbosity', 'loud'],
  ['pgrest.no_such_setting', '1'],
];

for (const [name, value] of refused) {
  test(`${name} = '${value}' at start: 503, and the log names it`, async () => {
    const before = server.settings;
    await server.restart({ [name]: value });
    await until('an answer', async () => {
      try {
        return Boolean(await server.get('/items'));
      } catch {
        return false;
      }
    });
    await sleep(300);
    const answer = await server.get('/items');
    assert.equal(answer.status, 503);
    assert.equal(answer.body.code, 'PGRST002');
    assert.ok(server.log().includes(name), 'the log does not name the setting');
    assert.equal(await server.sql('select 1'), '1');
    server.settings = before;
    await server.restart();
    await server.ready();
  });
}

test('a schema that does not exist: 503 until it does', async () => {
  await server.restart({ 'pgrest.db_schemas': 'api, later' });
  await until('503 PGRST002', async () => {
    try {
      return (await server.get('/items')).body.code === 'PGRST002';
    } catch {
      return false;
    }
  });
  await server.sql('create schema later');
  await until('an answer', async () => (await server.get('/items')).status === 200);
});

test('the secret cannot be read', async () => {
  assert.equal((await server.post('/rpc/value', { query: `select current_setting('pgrest.jwt_secret')` })).body.code, '42501');
  assert.equal((await server.get('/rpc/whoami')).status, 200);
  assert.ok(!server.log().includes(server.settings['pgrest.jwt_secret']), 'the secret is in the log');
});

test('without an anonymous role there is no anonymous access', async () => {
  server.reload({ 'pgrest.db_anon_role': '' });
  await until('401', async () => (await server.get('/items')).status === 401);
  const answer = await server.get('/items');
  assert.equal(answer.body.code, 'PGRST302');
  assert.equal((await server.get('/items', { claims: { role: 'clerk' } })).status, 200);
});

test('without a secret no token is accepted', async () => {
  server.reload({ 'pgrest.db_anon_role': 'anon', 'pgrest.jwt_secret': '' });
  await until('500', async () => (await server.get('/items', { claims: { role: 'clerk' } })).status === 500);
  assert.equal((await server.get('/items')).status, 200);
});
