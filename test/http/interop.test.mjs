// Tokens between pgrest and libraries that others wrote, in every algorithm and both directions: the npm package jose,
// and PyJWT and jwcrypto of Debian.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { SignJWT, importJWK, jwtVerify } from 'jose';
import { algorithms, bearer, keySet, makeKey } from './keys.mjs';
import { Server } from './server.mjs';

const claims = { role: 'clerk', name: 'Zoë "Z" \\ 😀', exp: 4102444800 };
const keys = algorithms.map((algorithm) => makeKey(algorithm, { kid: algorithm }));
keys.push(makeKey('EdDSA', { kid: 'Ed448', curve: 'Ed448' }));
const byKid = Object.fromEntries(keys.map((key) => [key.kid, key]));

let server;
let signed; // by SQL: [kid, token]
let python;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.jwt_secret': keySet(...keys) });
  await server.sql('create extension pgrest');
  const quote = (value) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;
  const text = await server.sql(
    keys
      .map((key) => `select pgrest.sign(${quote(claims)}, ${quote({ keys: [key.private] })}, '${key.algorithm}')`)
      .join(' union all '),
  );
  signed = text.split('\n').map((token, i) => [keys[i].kid, token]);
  // Debian's packages are those of Debian's own python3
  const run = spawnSync('/usr/bin/python3', [fileURLToPath(new URL('interop.py', import.meta.url))], {
    input: JSON.stringify({ keys, claims, tokens: signed }),
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stderr);
  python = JSON.parse(run.stdout);
});
after(() => server?.drop());

async function expectAccepted(what, token) {
  const answer = await server.get('/rpc/whoami', bearer(token));
  assert.equal(answer.body, 'clerk', `${what}: ${answer.text}`);
  const name = await server.value(`select current_setting('request.jwt.claims')::json ->> 'name'`, bearer(token));
  assert.equal(name, claims.name, what);
}

test('what jose signs is accepted', async () => {
  for (const key of keys) {
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'JWT' })
      .sign(await importJWK(key.private, key.algorithm));
    await expectAccepted(`jose, ${key.kid}`, token);
  }
});

test('what SQL signs, jose verifies', async () => {
  for (const [kid, token] of signed) {
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK(byKid[kid].public, byKid[kid].algorithm), {
      algorithms: [byKid[kid].algorithm],
    });
    assert.deepEqual(payload, claims, kid);
    assert.deepEqual(protectedHeader, { alg: byKid[kid].algorithm, typ: 'JWT', kid }, kid);
  }
});

for (const library of ['PyJWT', 'jwcrypto']) {
  test(`what ${library} signs is accepted`, async () => {
    const made = python.made.filter(([name]) => name === library);
    assert.equal(made.length, keys.length);
    for (const [, kid, token] of made) await expectAccepted(`${library}, ${kid}`, token);
  });

  test(`what SQL signs, ${library} verifies`, () => {
    const checked = python.checked.filter(([name]) => name === library);
    assert.equal(checked.length, keys.length);
    for (const [, kid, found] of checked) assert.deepEqual(found, claims, kid);
  });
}

test('what SQL signs, the server and pgrest.verify accept', async () => {
  for (const [kid, token] of signed) {
    await expectAccepted(`SQL, ${kid}`, token);
    const set = keySet(byKid[kid]).replaceAll("'", "''");
    assert.equal(await server.sql(`select valid from pgrest.verify('${token}', '${set}', '${byKid[kid].algorithm}')`), 't', kid);
  }
});

test('no key verifies the token of another', async () => {
  for (const [kid, token] of signed) {
    const [header, ...rest] = token.split('.');
    const { kid: _, ...parsed } = JSON.parse(Buffer.from(header, 'base64url'));
    const other = keys.find((key) => key.kid !== kid && key.algorithm !== byKid[kid].algorithm);
    const changed = Buffer.from(JSON.stringify({ ...parsed, kid: other.kid })).toString('base64url');
    assert.equal((await server.get('/items', bearer([changed, ...rest].join('.')))).status, 401, kid);
  }
});
