// The demonstration of docs/guide.md, used by a client library as its users write it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PostgrestClient } from '@supabase/postgrest-js';
import { Server } from './server.mjs';

let server;
let anonymous;
before(async () => {
  server = await Server.demo('guide.md');
  anonymous = new PostgrestClient(server.url);
});
after(() => server?.drop());

const passwords = { alice: 'wonderland', bob: 'builder', carol: 'christmas', dave: 'copperfield', mallory: 'malice' };

async function login(name) {
  const { data, error } = await anonymous.rpc('login', { email: `${name}@example.com`, pass: passwords[name] });
  assert.equal(error, null);
  return new PostgrestClient(server.url, { headers: { Authorization: `Bearer ${data.token}` } });
}

test('anonymous sees public notes and nothing of the chat', async () => {
  const notes = await anonymous.from('notes').select('owner,body');
  assert.deepEqual(notes.data, [{ owner: 'carol@example.com', body: 'Anybody may read this' }]);
  const chat = await anonymous.from('chat').select();
  assert.equal(chat.status, 401);
  assert.equal(chat.error.code, '42501');
});

test('wrong logins', async () => {
  for (const [email, pass] of [['alice@example.com', 'rabbit'], ['nobody@example.com', 'wonderland'], ["' or true --", 'x']]) {
    const { status, error } = await anonymous.rpc('login', { email, pass });
    assert.equal(status, 403);
    assert.equal(error.code, '28P01');
    assert.equal(error.message, 'invalid user or password');
  }
});

test('messages between two users', async () => {
  const alice = await login('alice');
  const bob = await login('bob');

  const sent = await alice
    .from('chat')
    .insert({ message_to: 'bob', message_subject: 'Story', message_body: 'Once upon a time' })
    .select()
    .single();
  assert.equal(sent.error, null);
  assert.equal(sent.status, 201);
  assert.equal(sent.data.message_from, 'alice');

  const got = await bob.from('chat').select('message_from,message_body').eq('message_uuid', sent.data.message_uuid).single();
  assert.deepEqual(got.data, { message_from: 'alice', message_body: 'Once upon a time' });

  const forged = await alice.from('chat').insert({ message_from: 'bob', message_to: 'alice', message_subject: 'Forged' });
  assert.equal(forged.status, 403);
  assert.equal(forged.error.code, '42501');

  const seen = await alice.from('chat').select('message_from,message_to', { count: 'exact' });
  assert.ok(seen.data.every((row) => row.message_from === 'alice' || row.message_to === 'alice'));
  assert.equal(seen.count, seen.data.length);

  const denied = await alice.from('chat').update({ message_subject: 'Changed' }).eq('message_to', 'bob');
  assert.equal(denied.status, 403);
});

test('notes of two users who share a role', async () => {
  const carol = await login('carol');
  const dave = await login('dave');

  const made = await dave.from('notes').insert([{ body: 'first' }, { body: 'second' }]).select('owner');
  assert.deepEqual(made.data, [{ owner: 'dave@example.com' }, { owner: 'dave@example.com' }]);
  assert.equal((await carol.from('notes').select().eq('owner', 'dave@example.com')).data.length, 0);

  const changed = await dave.from('notes').update({ public: true }).eq('body', 'first').select('body,public');
  assert.deepEqual(changed.data, [{ body: 'first', public: true }]);
  assert.equal((await carol.from('notes').select().eq('owner', 'dave@example.com')).data.length, 1);

  // Carol can see it now, but neither change nor delete it, nor write one as Dave.
  assert.deepEqual((await carol.from('notes').delete().eq('body', 'first').select()).data, []);
  assert.equal((await carol.from('notes').insert({ owner: 'dave@example.com', body: 'x' })).status, 403);

  assert.equal((await dave.from('notes').delete().in('body', ['first', 'second'])).status, 204);
});

test('a user who is a role, and a member of the group', async () => {
  const alice = await login('alice');
  await alice.from('notes').insert({ body: 'by a role' });
  const mine = await alice.from('notes').select('owner,body').eq('public', false);
  assert.deepEqual(mine.data, [{ owner: 'alice@example.com', body: 'by a role' }]);
});

test('a refused user gets message and hint', async () => {
  const { status, error } = await (await login('mallory')).from('notes').select();
  assert.equal(status, 400);
  assert.equal(error.code, 'P0001');
  assert.equal(error.message, 'This account is blocked');
  assert.equal(error.hint, 'Ask the administrator why');
});

test('what the library can ask for', async () => {
  const carol = await login('carol');
  await carol.from('notes').insert([1, 2, 3, 4, 5].map((n) => ({ body: `page ${n}` })));

  const page = await carol.from('notes').select('body', { count: 'exact' }).like('body', 'page%').order('id').range(1, 2);
  assert.equal(page.status, 206);
  assert.equal(page.count, 5);
  assert.deepEqual(page.data.map((row) => row.body), ['page 2', 'page 3']);

  assert.equal((await carol.from('notes').select().eq('body', 'page 9').maybeSingle()).data, null);
  assert.equal((await carol.from('notes').select().like('body', 'page%').single()).error.code, 'PGRST116');
  assert.match((await carol.from('notes').select('body').like('body', 'page%').csv()).data, /^body\n"page 1"\n/);
  assert.equal((await carol.from('notes').select('*', { head: true, count: 'exact' }).like('body', 'page%')).count, 5);
  assert.equal((await carol.from('notes').select().or('body.eq."page 1",body.eq."page 5"')).data.length, 2);
  const { data } = await carol.from('notes').select('id,owner,public').eq('body', 'page 1').single();
  const upserted = await carol.from('notes').upsert({ ...data, body: 'page one' }).select('body');
  // The key is always generated, so the database refuses to be told one.
  assert.equal(upserted.error.code, '428C9');
  assert.equal((await carol.from('notes').delete({ count: 'exact' }).like('body', 'page%')).count, 5);
});

test('what is not exposed does not exist', async () => {
  assert.equal((await anonymous.from('users').select()).error.code, 'PGRST205');
  assert.equal((await anonymous.rpc('check_user')).error.code, 'PGRST202');
  assert.equal((await anonymous.schema('basic_auth').from('users').select()).error.code, 'PGRST106');
});
