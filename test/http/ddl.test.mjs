// There is no schema cache: what a commit changes is there for the next request. Nothing is reloaded here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start();
});
after(() => server?.drop());

// The same question until every executor has met it, before and after a change.
const repeatedly = async (path, check) => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => server.get(path)));
  answers.forEach(check);
};

test('a table appears, changes and vanishes', async () => {
  await repeatedly('/things', ({ status, body }) => assert.deepEqual([status, body.code], [404, 'PGRST205']));
  await server.sql(`create table api.things (a int); insert into api.things values (1); grant select on api.things to anon`);
  await repeatedly('/things', ({ body }) => assert.deepEqual(body, [{ a: 1 }]));
  await server.sql(`alter table api.things add b text default 'x'`);
  await repeatedly('/things', ({ body }) => assert.deepEqual(body, [{ a: 1, b: 'x' }]));
  await server.sql(`alter table api.things rename a to c`);
  await repeatedly('/things', ({ body }) => assert.deepEqual(body, [{ c: 1, b: 'x' }]));
  await repeatedly('/things?a=eq.1', ({ status, body }) => assert.deepEqual([status, body.code], [400, '42703']));
  await server.sql(`drop table api.things`);
  await repeatedly('/things', ({ status, body }) => assert.deepEqual([status, body.code], [404, 'PGRST205']));
});

test('a column changes its type between two equal requests', async () => {
  await server.sql(`create table api.typed (id int primary key, v int); insert into api.typed values (1, 42); grant all on api.typed to anon`);
  const path = '/typed?v=eq.42';
  await repeatedly(path, ({ body }) => assert.deepEqual(body, [{ id: 1, v: 42 }]));
  await server.sql(`alter table api.typed alter v type text using v::text`);
  await repeatedly(path, ({ body }) => assert.deepEqual(body, [{ id: 1, v: '42' }]));
  await server.sql(`alter table api.typed alter v type bigint using v::bigint`);
  await repeatedly(path, ({ body }) => assert.deepEqual(body, [{ id: 1, v: 42 }]));
  await server.sql(`alter table api.typed alter v type date using '2030-01-01'`);
  await repeatedly(path, ({ status, body }) => assert.deepEqual([status, body.code], [400, '22008']));
  await repeatedly('/typed?v=eq.2030-01-01', ({ body }) => assert.deepEqual(body, [{ id: 1, v: '2030-01-01' }]));
});

test('the same with a write', async () => {
  await server.sql(`create table api.written (v int); grant all on api.written to anon`);
  const write = () => server.post('/written', { v: '12' }, { headers: { Prefer: 'return=representation' } });
  for (let n = 0; n < 8; n++) assert.deepEqual((await write()).body, [{ v: 12 }]);
  await server.sql(`alter table api.written alter v type text`);
  for (let n = 0; n < 8; n++) assert.deepEqual((await write()).body, [{ v: '12' }]);
});

test('dropped and made again', async () => {
  for (const type of ['int', 'text', 'numeric']) {
    await server.sql(`drop table if exists api.again; create table api.again (v ${type}); insert into api.again values ('7'); grant select on api.again to anon`);
    await repeatedly('/again?v=eq.7', ({ body }) => assert.deepEqual(body, [{ v: type === 'text' ? '7' : 7 }]));
  }
});

test('a foreign key makes an embedding', async () => {
  await server.sql(`
    create table api.authors (id int primary key, name text);
    create table api.books (id int primary key, author_id int, title text);
    insert into api.authors values (1, 'Ann'); insert into api.books values (1, 1, 'One');
    grant select on api.authors, api.books to anon`);
  const path = '/books?select=title,authors(name)';
  await repeatedly(path, ({ status, body }) => assert.deepEqual([status, body.code], [400, 'PGRST200']));
  await server.sql(`alter table api.books add constraint by foreign key (author_id) references api.authors`);
  await repeatedly(path, ({ body }) => assert.deepEqual(body, [{ title: 'One', authors: { name: 'Ann' } }]));
  await server.sql(`alter table api.books drop constraint by`);
  await repeatedly(path, ({ status }) => assert.equal(status, 400));
});

test('a function appears, gets another result, vanishes', async () => {
  await repeatedly('/rpc/answer', ({ status }) => assert.equal(status, 404));
  await server.sql(`create function api.answer() returns int stable language sql as 'select 42'`);
  await repeatedly('/rpc/answer', ({ body }) => assert.equal(body, 42));
  await server.sql(`drop function api.answer; create function api.answer() returns text stable language sql as $$ select 'x' $$`);
  await repeatedly('/rpc/answer', ({ body }) => assert.equal(body, 'x'));
  await server.sql(`drop function api.answer`);
  await repeatedly('/rpc/answer', ({ status, body }) => assert.deepEqual([status, body.code], [404, 'PGRST202']));
});

test('rights and policies act at once', async () => {
  await server.sql(`create table api.secrets (who text); insert into api.secrets values ('anon'), ('clerk')`);
  await repeatedly('/secrets', ({ status }) => assert.equal(status, 401));
  await server.sql(`grant select on api.secrets to anon`);
  await repeatedly('/secrets', ({ body }) => assert.equal(body.length, 2));
  await server.sql(`alter table api.secrets enable row level security`);
  await repeatedly('/secrets', ({ body }) => assert.deepEqual(body, []));
  await server.sql(`create policy own on api.secrets using (who = current_user)`);
  await repeatedly('/secrets', ({ body }) => assert.deepEqual(body, [{ who: 'anon' }]));
});

test('a policy that depends on the role is planned for each role', async () => {
  await server.sql(`grant select on api.secrets to clerk`);
  for (let n = 0; n < 20; n++) {
    const role = n % 2 ? 'clerk' : 'anon';
    assert.deepEqual((await server.get('/secrets', { claims: { role } })).body, [{ who: role }]);
  }
});
