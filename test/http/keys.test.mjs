// The keys that verify tokens, and how they are changed without an outage; what tokens say in SQL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { algorithms, bearer, keySet, load, makeKey } from './keys.mjs';
import { ESCAPED, LETTERS, Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.listeners': 2 });
});
after(() => server?.drop());

const clerk = { role: 'clerk' };
const ask = (text) => server.get('/rpc/whoami', bearer(text));
const status = async (text) => (await ask(text)).status;
const accepts = async (text) => (await status(text)) === 200;

async function useSecret(secret, probe) {
  server.reload({ 'pgrest.jwt_secret': secret });
  await until('the keys', () => accepts(probe));
}

// --- sets ----------------------------------------------------------------------------------------------------

test('one set holds a key of every algorithm', async () => {
  const keys = algorithms.map((algorithm) => makeKey(algorithm, { kid: algorithm }));
  keys.push(makeKey('EdDSA', { kid: 'Ed448', curve: 'Ed448' }));
  await useSecret(keySet(...keys), keys[0].token(clerk));
  for (const key of keys) {
    assert.equal((await ask(key.token(clerk))).body, 'clerk', key.kid);
    assert.equal(await status(key.token(clerk, { kid: 'another' })), 401, key.kid);
  }
});

test('a token whose kid no key has is refused, one without kid tries every key', async () => {
  const [first, second] = [makeKey('ES256', { kid: 'first' }), makeKey('ES256', { kid: 'second' })];
  await useSecret(keySet(first, second), first.token(clerk));
  assert.equal(await status(second.token(clerk, { kid: undefined })), 200);
  assert.equal(await status(second.token(clerk, { kid: 'first' })), 401);
  const answer = await ask(second.token(clerk, { kid: 'third' }));
  assert.equal(answer.status, 401);
  assert.equal(answer.body.code, 'PGRST301');
  assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token", error_description="/);
});

// --- changing keys -------------------------------------------------------------------------------------------

test('keys are rotated by reloads, and no valid token is refused meanwhile', async () => {
  const [old, fresh] = [makeKey('RS256', { kid: '2025' }), makeKey('ES256', { kid: '2026' })];
  await useSecret(keySet(old), old.token(clerk));
  let valid = [old];
  let n = 0;
  // a number in each makes some of the tokens new to the cache
  const traffic = load(server, () => valid[(n += 1) % valid.length].token({ ...clerk, n: n % 50 }));
  await traffic.more(50);
  await useSecret(keySet(old, fresh), fresh.token(clerk));
  valid = [old, fresh];
  await traffic.more(50);
  valid = [fresh];
  await traffic.more(20);
  server.reload({ 'pgrest.jwt_secret': keySet(fresh) });
  await until('the old key is gone', async () => !(await accepts(old.token(clerk))));
  await traffic.more(50);
  await traffic.end();
  assert.deepEqual(traffic.refused, []);
});

// --- claims --------------------------------------------------------------------------------------------------

const key = makeKey('ES256');
const inSql = (payload, query) => server.value(query, bearer(key.token(payload)));
const claims = "current_setting('request.jwt.claims')";

test('numbers reach SQL as they were sent', async () => {
  await useSecret(keySet(key), key.token(clerk));
  const sent = '{"role":"clerk","big":123456789012345678901234,"huge":1e400,"tiny":1.50,"zero":-0.0,"exp":4102444800.0}';
  for (const [name, text] of Object.entries({
    big: '123456789012345678901234', huge: '1e400', tiny: '1.50', zero: '-0.0', exp: '4102444800.0',
  }))
    assert.equal(await inSql(sent, `select ${claims}::json ->> '${name}'`), text);
});

test('of repeated members SQL sees the one that the server saw, at every depth', async () => {
  const sent = '{"role":"clerk","role":"anon","a":1,"a":2,"in":{"x":1,"y":[{"z":1,"\\u007a":2}],"x":2},"a":3}';
  assert.equal(await inSql(sent, 'select current_user'), 'clerk');
  for (const as of ['json', 'jsonb']) {
    assert.equal(await inSql(sent, `select ${claims}::${as} ->> 'role'`), 'clerk');
    assert.equal(await inSql(sent, `select ${claims}::${as} ->> 'a'`), '1');
    assert.equal(await inSql(sent, `select ${claims}::${as} #>> '{in,x}'`), '1');
    assert.equal(await inSql(sent, `select ${claims}::${as} #>> '{in,y,0,z}'`), '1');
  }
});

test('claims may be nested 512 levels deep', async () => {
  const nested = (depth) => `{"role":"clerk","deep":${'['.repeat(depth)}7${']'.repeat(depth)}}`;
  assert.equal(await inSql(nested(511), `select ${claims}::jsonb #>> (array['deep'] || array_fill('0'::text, array[511]))`), '7');
  const answer = await ask(key.token(nested(512)));
  assert.equal(answer.status, 401);
  assert.equal(answer.body.code, 'PGRST303');
});

test('strings reach SQL with their escapes and beyond the basic plane', async () => {
  const sent = `{"role":"clerk","name":"Zo\\u00eb ${ESCAPED[0]} \\"q\\" \\\\ \\u0001 ${LETTERS}"}`;
  assert.equal(await inSql(sent, `select ${claims}::json ->> 'name'`), `Zoë ${ESCAPED[1]} "q" \\ \u0001 ${LETTERS}`);
});
