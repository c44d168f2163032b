// pgrest.jwt_secret = '@file': what the file may hold, and that a change of it is noticed without a reload.
import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bearer, keySet, load, makeKey } from './keys.mjs';
import { SECRET, Server, sleep, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.listeners': 2 });
});
after(() => server?.drop());

const clerk = { role: 'clerk' };
const status = async (text) => (await server.get('/rpc/whoami', bearer(text))).status;
const accepts = async (text) => (await status(text)) === 200;

// As docs/operations.md has it: written beside, then moved into its place.
const file = () => join(server.dir, 'data', 'jwt.keys');
function replaceFile(content) {
  writeFileSync(`${file()}.new`, content, { mode: 0o644 });
  renameSync(`${file()}.new`, file());
}
const timesLogged = (text) => server.log().split(text).length - 1;

async function useSecret(secret, probe) {
  server.reload({ 'pgrest.jwt_secret': secret });
  await until('the keys', () => accepts(probe));
}

async function useFile(content, probe) {
  replaceFile(content);
  await useSecret('@jwt.keys', probe);
}

test('a changed file is noticed without a reload, under load too', async () => {
  const [old, fresh] = [makeKey('ES256', { kid: 'a' }), makeKey('EdDSA', { kid: 'b' })];
  await useFile(keySet(old), old.token(clerk));
  const cached = old.token(clerk);
  for (let i = 0; i < 10; i += 1) assert.equal(await status(cached), 200);
  let valid = [old];
  let n = 0;
  const traffic = load(server, () => valid[(n += 1) % valid.length].token({ ...clerk, n: n % 50 }));
  await traffic.more(20);
  replaceFile(keySet(old, fresh));
  await until('the new key', () => accepts(fresh.token(clerk)));
  valid = [old, fresh];
  await traffic.more(20);
  valid = [fresh];
  await traffic.more(20);
  replaceFile(keySet(fresh));
  // a token that has been in the caches, and one that has not
  await until('the old key is gone', async () => !(await accepts(cached)));
  assert.equal(await status(old.token(clerk)), 401);
  await traffic.more(20);
  await traffic.end();
  assert.deepEqual(traffic.refused, []);
});

test('a broken file keeps the old keys and is logged once; the mended file acts', async () => {
  const [old, fresh] = [makeKey('ES256'), makeKey('ES256')];
  await useFile(keySet(old), old.token(clerk));
  const kept = 'pgrest keeps its configuration: pgrest.jwt_secret: ';
  replaceFile(keySet(fresh).slice(0, -5));
  await until('the complaint', () => timesLogged(kept) === 1);
  // at least one look at the file later
  await sleep(1500);
  assert.equal(timesLogged(kept), 1);
  assert.equal(await status(old.token(clerk)), 200);
  assert.equal(await status(fresh.token(clerk)), 401);
  rmSync(file());
  await until('the other complaint', () => timesLogged(kept) === 2);
  assert.equal(await status(old.token(clerk)), 200);
  replaceFile(keySet(fresh));
  await until('the mended file', () => accepts(fresh.token(clerk)));
  assert.equal(await status(old.token(clerk)), 401);
  assert.ok(!server.log().includes(fresh.public.x), 'no key is logged');
});

test('a text in place of keys takes a reload, since it may be any page that somebody fetched', async () => {
  const key = makeKey('ES256');
  const text = '<html>Sign in to the network of this hotel first</html>';
  await useFile(keySet(key), key.token(clerk));
  const complaint = 'its file held keys and now holds a text';
  replaceFile(text);
  await until('the complaint', () => timesLogged(complaint) === 1);
  assert.equal(await status(token(clerk, text)), 401);
  assert.equal(await status(key.token(clerk)), 200);
  await useSecret('@jwt.keys', token(clerk, text));
  assert.equal(await status(key.token(clerk)), 401);
});

test('a file that was broken at the reload acts when it is mended', async () => {
  const [old, fresh] = [makeKey('ES256'), makeKey('ES256')];
  await useSecret(keySet(old), old.token(clerk));
  const kept = 'pgrest keeps its configuration: pgrest.jwt_secret: could not open the file "other.keys"';
  server.reload({ 'pgrest.jwt_secret': '@other.keys' });
  await until('the complaint', () => timesLogged(kept) === 1);
  assert.equal(await status(old.token(clerk)), 200);
  writeFileSync(join(server.dir, 'data', 'other.keys'), keySet(fresh), { mode: 0o644 });
  await until('the mended file', () => accepts(fresh.token(clerk)));
});

test('a server that starts with a broken file answers 503, and serves when it is mended', async () => {
  const key = makeKey('ES256');
  rmSync(file(), { force: true });
  await server.restart({ 'pgrest.jwt_secret': '@jwt.keys' });
  await until('503', async () => {
    try {
      return (await server.get('/items')).status === 503;
    } catch {
      return false;
    }
  });
  replaceFile(keySet(key));
  await until('the mended file', () => accepts(key.token(clerk)));
});

test('a file may hold a text, with or without a line feed behind it, or base64', async () => {
  await useFile(`${SECRET}\n`, token(clerk));
  const other = 'another secret in a file, 32 bytes or more';
  replaceFile(other);
  await until('the other text', () => accepts(token(clerk, other)));
  assert.equal(await status(token(clerk)), 401);
  server.configure({ 'pgrest.jwt_secret_is_base64': 'on' });
  await useFile(`${Buffer.from(SECRET).toString('base64')}\n`, token(clerk));
  assert.equal(await status(token(clerk, other)), 401);
  server.configure({ 'pgrest.jwt_secret_is_base64': 'off' });
});

test('a file that a setting in the database names is read and watched, and its name is no secret', async () => {
  const [first, second] = [makeKey('ES256'), makeKey('ES256')];
  await useSecret(SECRET, token(clerk));
  replaceFile(keySet(first));
  await server.sql(`alter role authenticator set pgrst.jwt_secret = '@jwt.keys'`);
  server.reload();
  await until('the file', () => accepts(first.token(clerk)));
  assert.equal(await status(token(clerk, '@jwt.keys')), 401);
  replaceFile(keySet(second));
  await until('the changed file', () => accepts(second.token(clerk)));
  assert.equal(await status(first.token(clerk)), 401);
  await server.sql(`alter role authenticator reset pgrst.jwt_secret`);
  server.reload();
  await until('the parameter', () => accepts(token(clerk)));
});
