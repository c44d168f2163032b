// docs/external-issuers.md: the settings and the token of each section as they stand there, with keys of our own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { bearer, makeKey } from './keys.mjs';
import { ROOT, Server, until } from './server.mjs';

const page = readFileSync(join(ROOT, 'docs', 'external-issuers.md'), 'utf8');

// The blocks of one language in a section.
const blocks = (text, language) => [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((found) => found[1]);

// 'a''b' in a configuration file
const settings = (text) =>
  Object.fromEntries([...text.matchAll(/^(\S+) = '(.*)'$/gm)].map(([, name, value]) => [name, value.replaceAll("''", "'")]));

const sections = page
  .split(/^## /m)
  .map((text) => ({ name: text.split('\n')[0], text, json: blocks(text, 'json')[0], role: text.match(/runs as `([^`]+)`/)?.[1] }));
const issuers = sections.filter((section) => section.json);
const section = (name) => sections.find((one) => one.name === name).text;

// Header and claims of the token, which no longer has expired.
function tokenParts(json) {
  const [header, ...rest] = json.split('\n');
  return { header: JSON.parse(header), claims: { ...JSON.parse(rest.join('\n')), exp: 4102444800 } };
}

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1 });
  for (const role of new Set(issuers.map((issuer) => issuer.role)))
    if (role !== 'clerk')
      await server.sql(`create role "${role}"; grant "${role}" to authenticator; grant usage on schema api to "${role}"`);
  await server.sql(blocks(section('Whose token it is'), 'sql')[0]);
});
after(() => server?.drop());

const file = () => join(server.dir, 'data', 'keys.json');
const ask = (token) => server.get('/rpc/whoami', bearer(token));

async function use(issuer, key) {
  // as issuers publish them, with a key for encryption and members that nobody here needs
  const published = { ...key.public, x5c: ['MIIC'], x5t: 'NjVBRj', issuer: 'https://issuer.example.com' };
  if (issuer.name === 'Microsoft Entra ID') delete published.alg;
  const sealing = { ...makeKey('RS256', { kid: 'sealing' }).public, use: 'enc', alg: 'RSA-OAEP' };
  writeFileSync(file(), JSON.stringify({ keys: [sealing, published] }, null, 2), { mode: 0o644 });
  const documented = settings(blocks(issuer.text, 'ini')[0]);
  assert.equal(documented['pgrest.jwt_secret'], '@/etc/pgrest/keys.json');
  server.reload({ ...documented, 'pgrest.jwt_secret': '@keys.json' });
}

test('the page has the six', () => {
  assert.deepEqual(
    issuers.map((issuer) => issuer.name),
    ['Auth0', 'Keycloak', 'Microsoft Entra ID', 'Google', 'Amazon Cognito', 'Supabase'],
  );
});

for (const issuer of issuers) {
  test(issuer.name, async () => {
    const { header, claims } = tokenParts(issuer.json);
    const key = makeKey(header.alg, { kid: header.kid });
    await use(issuer, key);
    const token = key.token(claims, header);
    await until('the settings', async () => (await ask(token)).status === 200);
    assert.equal((await ask(token)).body, issuer.role);
    const refused = async (changed) => (await ask(key.token({ ...claims, ...changed }, header))).body.code;
    assert.equal(await refused({ aud: 'another application' }), 'PGRST303');
    assert.equal(await refused({ exp: 1700000000 }), 'PGRST303');
    assert.equal((await ask(makeKey(header.alg, { kid: header.kid, fresh: true }).token(claims, header))).body.code, 'PGRST301');
  });
}

test('the pre-request function refuses other tenants', async () => {
  const issuer = issuers.find((one) => one.name === 'Microsoft Entra ID');
  const { header, claims } = tokenParts(issuer.json);
  const key = makeKey(header.alg, { kid: header.kid });
  server.configure(settings(blocks(section('Whose token it is'), 'ini')[0]));
  await use(issuer, key);
  await until('the settings', async () => (await ask(key.token(claims, header))).status === 200);
  const answer = await ask(key.token({ ...claims, iss: claims.iss.replace('1111', '9999') }, header));
  assert.equal(answer.status, 401);
  assert.equal(answer.body.message, 'This issuer is not trusted');
  server.configure({ 'pgrest.db_pre_request': '' });
});

test('several issuers in one set', async () => {
  const [first, second] = [makeKey('ES256', { kid: '1' }), makeKey('EdDSA', { kid: '2' })];
  writeFileSync(file(), JSON.stringify({ keys: [first.public, second.public] }));
  const path = section('Several issuers').match(/`(\$\[[^`]+)`/)[1];
  server.reload({ 'pgrest.jwt_role_claim_key': path, 'pgrest.jwt_aud': '' });
  await until('the settings', async () => (await ask(first.token({ role: 'clerk' }))).body === 'clerk');
  assert.equal((await ask(second.token({ 'https://example.com/role': 'clerk' }))).body, 'clerk');
});

test('the script fetches a key set, and keeps the old one when the answer is none', async () => {
  const key = makeKey('ES256', { kid: 'fetched' });
  const script = join(server.dir, 'fetch-keys');
  writeFileSync(script, blocks(section('Fetching the keys'), 'sh')[0], { mode: 0o755 });
  let answer = [200, JSON.stringify({ keys: [key.public] })];
  const issuer = createServer((request, response) => {
    response.writeHead(answer[0]);
    response.end(answer[1]);
  });
  await new Promise((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  const fetchKeys = () => promisify(execFile)(script, [`http://127.0.0.1:${issuer.address().port}/jwks.json`, file()]);
  try {
    await fetchKeys();
    await until('the fetched keys', async () => (await ask(key.token({ role: 'clerk' }))).status === 200);
    for (answer of [[200, '<html>Sign in first</html>'], [500, JSON.stringify({ keys: [key.public] })], [200, '']]) {
      await assert.rejects(fetchKeys());
      assert.equal(JSON.parse(readFileSync(file(), 'utf8')).keys[0].kid, 'fetched');
    }
  } finally {
    issuer.close();
  }
});
