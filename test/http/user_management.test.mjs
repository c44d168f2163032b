// docs/user-management.md: its SQL makes a database, its requests are sent in the order of the page; then what a request
// at a time does not show.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkQueries, checkRequests } from './document.mjs';
import { Server } from './server.mjs';

const DOCUMENT = 'user-management.md';
let server;
before(async () => {
  server = await Server.demo(DOCUMENT);
});
after(() => server?.drop());

const psql = (text) => server.cluster('psql', { input: text }, '-d', 'demo', '-At').trim();
const call = (name, body, token) =>
  server.post(`/rpc/${name}`, body, token && { headers: { Authorization: `Bearer ${token}` } });
const notes = async (token) => (await server.get('/notes', { headers: { Authorization: `Bearer ${token}` } })).status;
const letter = () =>
  psql('with taken as (delete from accounts.letters returning id, token) select token from taken order by id desc limit 1');

// A validated account.
async function account(email, pass = 'a good password') {
  await call('sign_up', { email, pass });
  assert.equal((await call('validate_email', { token: letter(), pass })).status, 200);
  return { email, pass };
}

test('the SQL of the page that shows an answer', () => checkQueries(DOCUMENT, server));

test('the requests of the page', () => checkRequests(DOCUMENT, server));

test('guesses that come at the same time are counted too', async () => {
  const { email, pass } = await account('many@example.com');
  const guesses = Array.from({ length: 40 }, (_, n) => call('login', { email, pass: `guess number ${n}` }));
  const statuses = (await Promise.all(guesses)).map((answer) => answer.status);
  assert.ok(statuses.filter((status) => status === 401).length <= 5, statuses.join());
  assert.ok(statuses.every((status) => status === 401 || status === 429), statuses.join());
  // one at a time until the count is full
  while ((await call('login', { email, pass: 'another guess' })).status === 401);
  const refused = await call('login', { email, pass });
  assert.equal(refused.status, 429);
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait > 0 && wait <= 15 * 60, refused.headers.get('retry-after'));
});

test('of two that use a refresh token at the same time one wins, and the session ends', async () => {
  const { refresh_token } = (await call('login', await account('race@example.com'))).body;
  const answers = await Promise.all([1, 2, 3].map(() => call('refresh', { refresh_token })));
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 401, 401]);
  const winner = answers.find((answer) => answer.status === 200).body;
  assert.equal(await notes(winner.token), 401);
  assert.equal((await call('refresh', { refresh_token: winner.refresh_token })).status, 401);
});

test('a letter is good once, also for two at the same time', async () => {
  const { email } = await account('letter@example.com');
  await call('request_reset', { email });
  const token = letter();
  const answers = await Promise.all(['one new password', 'two new passwords'].map((pass) => call('reset_password', { token, pass })));
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 400]);
});

test('answers are the same for addresses with and without an account', async () => {
  const { email } = await account('known@example.com');
  const shape = ({ status, text, headers }) => ({
    status,
    text,
    headers: [...headers].filter(([name]) => name !== 'date' && name !== 'content-location'),
  });
  const same = async (name, body) =>
    assert.deepEqual(shape(await call(name, { ...body, email })), shape(await call(name, { ...body, email: 'stranger@example.com' })), name);
  await same('sign_up', { pass: 'some good password' });
  await same('request_reset', {});
  for (let i = 0; i < 5; ++i) await same('login', { pass: 'a wrong password' });
  const [one, other] = [await call('login', { email, pass: 'x' }), await call('login', { email: 'stranger@example.com', pass: 'x' })];
  assert.deepEqual([one.status, one.text], [429, other.text]);
});

test('a changed password ends every session', async () => {
  const who = await account('change@example.com');
  const [one, two] = [(await call('login', who)).body, (await call('login', who)).body];
  const changed = await call('change_password', { old_pass: who.pass, new_pass: 'my newer password' }, one.token);
  assert.equal(changed.status, 200);
  assert.deepEqual(await Promise.all([one, two, changed.body].map(({ token }) => notes(token))), [401, 401, 200]);
  assert.equal((await call('refresh', { refresh_token: two.refresh_token })).status, 401);
  assert.equal((await call('login', who)).status, 401);
});

test('a deleted account is refused at once', async () => {
  const { token } = (await call('login', await account('gone@example.com'))).body;
  assert.equal(await notes(token), 200);
  psql("delete from accounts.users where email = 'gone@example.com'");
  assert.equal(await notes(token), 401);
});

test('a token without jti is refused', async () => {
  const token = psql("select pgrest.sign(json_build_object('role', 'webuser'), rtrim(pg_read_file('jwt.secret'), E'\\n'))");
  const answer = await server.get('/notes', { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual([answer.status, answer.body.code], [401, 'PT401']);
});

test('users see their own rows', async () => {
  const [eve, fay] = [await account('eve@example.com'), await account('fay@example.com')];
  const tokens = [(await call('login', eve)).body.token, (await call('login', fay)).body.token];
  const as = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
  assert.equal((await server.post('/notes', { body: 'of Eve' }, as(tokens[0]))).status, 201);
  const owner = psql("select id from accounts.users where email = 'eve@example.com'");
  assert.equal((await server.post('/notes', { body: 'forged', owner }, as(tokens[1]))).status, 403);
  assert.deepEqual((await server.get('/notes?select=body', as(tokens[0]))).body, [{ body: 'of Eve' }]);
  assert.deepEqual((await server.get('/notes?select=body', as(tokens[1]))).body, []);
  assert.equal((await server.get('/notes')).status, 401);
});

test('nothing of the private schema has an address', async () => {
  for (const path of ['users', 'sessions', 'letters', 'rpc/check_password', 'rpc/new_token', 'rpc/check_token'])
    assert.equal((await server.get(`/${path}`)).status, 404, path);
});
