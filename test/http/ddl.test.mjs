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

test('a role is dropped and made again', async () => {
  const claims = { role: 'guest' };
  for (const who of ['first', 'second']) {
    await server.sql(`create role guest; grant guest to authenticator; grant usage on schema api to guest;
      create table api.rooms (who text); insert into api.rooms values ('${who}'); grant select on api.rooms to guest`);
    for (let n = 0; n < 8; n++) assert.deepEqual((await server.get('/rooms', { claims })).body, [{ who }]);
    await server.sql('drop table api.rooms; drop owned by guest; drop role guest');
    assert.equal((await server.get('/items?id=eq.1', { claims })).status, 401);
  }
});

test('a view, an enum, a domain and a computed field change', async () => {
  await server.sql(`
    create type api.mood as enum ('good');
    create domain api.small as int check (value < 10);
    create table api.people (id int primary key, mood api.mood, size api.small);
    insert into api.people values (1, 'good', 5);
    create view api.shown as select id from api.people;
    create function api.label(api.people) returns text stable language sql as $$ select 'one' $$;
    grant all on api.people, api.shown to anon`);
  await repeatedly('/shown', ({ body }) => assert.deepEqual(body, [{ id: 1 }]));
  await server.sql('create or replace view api.shown as select id, mood from api.people');
  await repeatedly('/shown', ({ body }) => assert.deepEqual(body, [{ id: 1, mood: 'good' }]));

  await repeatedly('/people?mood=eq.bad', ({ status, body }) => assert.deepEqual([status, body.code], [400, '22P02']));
  await server.sql(`alter type api.mood add value 'bad'`);
  await repeatedly('/people?mood=eq.bad', ({ status, body }) => assert.deepEqual([status, body], [200, []]));

  const grow = () => server.send('PATCH', '/people?id=eq.1', { body: { size: 20 } });
  for (let n = 0; n < 8; n++) assert.equal((await grow()).body.code, '23514');
  await server.sql('alter domain api.small drop constraint small_check');
  for (let n = 0; n < 8; n++) assert.equal((await grow()).status, 204);

  await repeatedly('/people?select=label', ({ body }) => assert.deepEqual(body, [{ label: 'one' }]));
  await server.sql(`create or replace function api.label(api.people) returns text stable language sql as $$ select 'two' $$`);
  await repeatedly('/people?select=label', ({ body }) => assert.deepEqual(body, [{ label: 'two' }]));
  await server.sql('alter table api.people add label int default 3');
  await repeatedly('/people?select=label', ({ body }) => assert.deepEqual(body, [{ label: 3 }]));
});

test('a key for an upsert appears and vanishes', async () => {
  await server.sql('create table api.keyed (id int, v text); grant all on api.keyed to anon');
  const upsert = () => server.post('/keyed', { id: 1, v: 'x' }, { headers: { Prefer: 'resolution=merge-duplicates' } });
  for (let n = 0; n < 3; n++) assert.deepEqual([(await upsert()).status, (await upsert()).headers.get('preference-applied')], [201, null]);
  await server.sql('truncate api.keyed; alter table api.keyed add constraint keyed_pkey primary key (id)');
  assert.equal((await upsert()).status, 201);
  for (let n = 0; n < 6; n++) assert.deepEqual([(await upsert()).status, (await upsert()).headers.get('preference-applied')], [200, 'resolution=merge-duplicates']);
  await server.sql('alter table api.keyed drop constraint keyed_pkey');
  for (let n = 0; n < 6; n++) assert.equal((await upsert()).status, 201);
});

test('partitions come and go', async () => {
  await server.sql(`create table api.parted (id int, v text, primary key (id)) partition by range (id);
    create table api.part_a partition of api.parted for values from (0) to (10); grant all on api.parted to anon`);
  const insert = (id) => server.post('/parted', { id, v: 'x' });
  assert.equal((await insert(1)).status, 201);
  assert.equal((await insert(11)).body.code, '23514');
  await server.sql('create table api.part_b partition of api.parted for values from (10) to (20)');
  for (let n = 11; n < 19; n++) assert.equal((await insert(n)).status, 201);
  await repeatedly('/parted?select=id', ({ body }) => assert.equal(body.length, 9));
  await server.sql('alter table api.parted detach partition api.part_b');
  await repeatedly('/parted?select=id', ({ body }) => assert.deepEqual(body, [{ id: 1 }]));
  await repeatedly('/part_b?select=id', ({ status }) => assert.equal(status, 401));
});

test('the schema is renamed away and comes back', async () => {
  await repeatedly('/items?id=eq.1', ({ status }) => assert.equal(status, 200));
  await server.sql('alter schema api rename to other');
  await repeatedly('/items?id=eq.1', ({ status, body }) => assert.deepEqual([status, body.code], [503, 'PGRST002']));
  await server.sql(`create schema api; create table api.items (id int); insert into api.items values (1); grant usage on schema api to anon; grant select on api.items to anon`);
  await repeatedly('/items?id=eq.1', ({ body }) => assert.deepEqual(body, [{ id: 1 }]));
  await server.sql('drop schema api cascade; alter schema other rename to api');
  await repeatedly('/items?id=eq.1', ({ body }) => assert.deepEqual(body, [{ id: 1, name: 'item 1' }]));
});

// Whatever a request meets, it sees the table before a change or after it, never something in between.
test('DDL while many requests run', async () => {
  await server.sql(`create table api.busy (id int primary key, v int); insert into api.busy values (1, 42); grant all on api.busy to anon`);
  let over = false;
  const seen = new Map();
  const client = async (request) => {
    while (!over) {
      const { status, body } = await request();
      const what = status === 200 || status === 201 ? 'ok' : `${status} ${body.code}`;
      seen.set(what, (seen.get(what) ?? 0) + 1);
      if (what === 'ok') assert.ok(body.every((row) => String(row.v) === '42'), JSON.stringify(body));
    }
  };
  const clients = Promise.all([
    ...Array.from({ length: 6 }, () => client(() => server.get('/busy?v=eq.42'))),
    ...Array.from({ length: 2 }, () => client(() => server.get('/busy?select=v&order=id', { headers: { Prefer: 'count=exact' } }))),
  ]);
  for (let n = 0; n < 10; n++) {
    await server.sql(`alter table api.busy alter v type text using v::text`);
    await server.sql(`alter table api.busy add column extra${n} int`);
    await server.sql(`alter table api.busy alter v type ${n % 2 ? 'int using v::int' : 'numeric using v::numeric'}`);
    await server.sql(`create index on api.busy (v)`);
  }
  over = true;
  await clients;
  assert.ok(seen.get('ok') > 50, JSON.stringify([...seen]));
  assert.deepEqual([...seen.keys()], ['ok']);
});

// Each change is seen by the next request of every executor, whatever other changes and requests go on beside it.
test('keys, views and functions come and go under load', async () => {
  await server.sql(`create table api.owners (id int primary key, name text); create table api.pets (id int primary key, owner int, name text);
    insert into api.owners values (1, 'Ann'); insert into api.pets values (5, 1, 'Rex'); grant all on api.owners, api.pets to anon`);
  let over = false;
  const odd = [];
  const right = ['PGRST200', 'PGRST201', '42P01', '42703', '42883'];
  const client = async (path, wanted) => {
    while (!over) {
      const { status, body } = await server.get(path);
      if (status === 200 ? JSON.stringify(body) !== JSON.stringify(wanted) : !right.includes(body.code)) odd.push([path, status, body]);
    }
  };
  const clients = Promise.all([
    client('/items?id=eq.1&select=name', [{ name: 'item 1' }]),
    client('/pets?select=name,owners(name)', [{ name: 'Rex', owners: { name: 'Ann' } }]),
    client('/owners?select=name,pets_seen(name)', [{ name: 'Ann', pets_seen: [{ name: 'Rex' }] }]),
    (async () => {
      for (let n = 0; !over; n++)
        await server.sql(`create temp table noise (id int primary key); create view api.noise as select 1; drop view api.noise; create or replace function api.noise() returns int language sql as 'select ${n}'; analyze api.pets`);
    })(),
  ]);
  const seen = (path, wanted) => repeatedly(path, ({ status, body }) => assert.deepEqual(status === 200 ? body : body.code, wanted, path));
  const pets = [{ name: 'Ann', pets: [{ name: 'Rex' }] }];
  try {
    for (let n = 0; n < 5; n++) {
      await seen('/pets?select=name,owners(name)', 'PGRST200');
      await server.sql(`alter table api.pets add constraint owned foreign key (owner) references api.owners`);
      await seen('/pets?select=name,owners(name)', [{ name: 'Rex', owners: { name: 'Ann' } }]);
      await seen('/owners?select=name,pets(name)', pets);
      await seen('/owners?select=name,pets!owned(name)', pets);
      await server.sql(`alter table api.pets rename constraint owned to kept`);
      await seen('/owners?select=name,pets!owned(name)', 'PGRST200');
      await seen('/owners?select=name,pets!kept(name)', pets);
      await server.sql(`create view api.pets_below as select id, owner as o, name from api.pets; create view api.pets_seen as select * from api.pets_below; grant select on api.pets_seen to anon`);
      await seen('/owners?select=name,pets_seen(name)', [{ name: 'Ann', pets_seen: [{ name: 'Rex' }] }]);
      await seen('/owners?select=name,pets_seen!o(name)', [{ name: 'Ann', pets_seen: [{ name: 'Rex' }] }]);
      await server.sql(`alter view api.pets_seen rename column o to whose`);
      await seen('/owners?select=name,pets_seen!o(name)', 'PGRST200');
      await seen('/owners?select=name,pets_seen!whose(name)', [{ name: 'Ann', pets_seen: [{ name: 'Rex' }] }]);
      await server.sql(`create or replace view api.pets_below as select id, owner + 0 as o, name from api.pets`);
      await seen('/owners?select=name,pets_seen(name)', 'PGRST200');
      await server.sql(`create function api.pets_seen(api.owners) returns setof api.pets stable language sql as 'select * from api.pets where owner = $1.id'`);
      await seen('/owners?select=name,pets_seen(name)', [{ name: 'Ann', pets_seen: [{ name: 'Rex' }] }]);
      await server.sql(`drop function api.pets_seen(api.owners); alter table api.pets add constraint one unique (owner)`);
      await seen('/owners?select=name,pets(name)', [{ name: 'Ann', pets: { name: 'Rex' } }]);
      await server.sql(`alter table api.pets drop constraint one, drop constraint kept; drop view api.pets_seen, api.pets_below`);
      await seen('/owners?select=name,pets(name)', 'PGRST200');
    }
  } finally {
    over = true;
    await clients;
  }
  assert.deepEqual(odd, []);
});

test('a junction appears, gets another key, and a view of it', async () => {
  await server.sql(`create table api.tags (id int primary key, t text); create table api.posts (id int primary key, p text); create table api.tagged (tag int references api.tags, post int references api.posts);
    insert into api.tags values (1, 't'); insert into api.posts values (1, 'p'); insert into api.tagged values (1, 1); grant all on api.tags, api.posts, api.tagged to anon`);
  const path = '/posts?select=p,tags(t)';
  const wanted = [{ p: 'p', tags: [{ t: 't' }] }];
  await repeatedly(path, ({ body }) => assert.equal(body.code, 'PGRST200'));
  await server.sql('alter table api.tagged add primary key (tag, post)');
  await repeatedly(path, ({ body }) => assert.deepEqual(body, wanted));
  await server.sql('create view api.tagged_seen as select * from api.tagged; grant select on api.tagged_seen to anon');
  await repeatedly(path, ({ status }) => assert.equal(status, 300));
  await repeatedly('/posts?select=p,tags!tagged_seen(t)', ({ body }) => assert.deepEqual(body, wanted));
  await server.sql('drop view api.tagged_seen; alter table api.tagged drop constraint tagged_pkey');
  await repeatedly(path, ({ body }) => assert.equal(body.code, 'PGRST200'));
});

test('the key of a view that is written through follows its table', async () => {
  await server.sql(`create table api.stock (id int, v text); create view api.stock_seen as select id as number, v from api.stock; grant all on api.stock, api.stock_seen to anon`);
  const upsert = () => server.post('/stock_seen', { number: 1, v: 'x' }, { headers: { Prefer: 'resolution=merge-duplicates' } });
  assert.equal((await upsert()).headers.get('preference-applied'), null);
  await server.sql('truncate api.stock; alter table api.stock add primary key (id)');
  for (let n = 0; n < 6; n++) assert.equal((await upsert()).headers.get('preference-applied'), 'resolution=merge-duplicates');
  await server.sql('alter view api.stock_seen rename number to n2; alter table api.stock rename id to id2');
  const renamed = () => server.post('/stock_seen', { n2: 1, v: 'y' }, { headers: { Prefer: 'resolution=merge-duplicates' } });
  for (let n = 0; n < 6; n++) assert.equal((await renamed()).status, 200);
});

test('a type of a column is renamed, moved, and changed', async () => {
  await server.sql(`create type api.kind as enum ('a', 'b'); create domain public.amount as int; create table api.priced (k api.kind, a public.amount, ks api.kind[]); grant all on api.priced to anon`);
  const insert = () => server.post('/priced', { k: 'a', a: 1, ks: ['b'] }, { headers: { Prefer: 'return=representation' } });
  const check = async () => {
    for (let n = 0; n < 6; n++) assert.deepEqual((await insert()).body, [{ k: 'a', a: 1, ks: ['b'] }]);
  };
  await check();
  await server.sql('alter type api.kind rename to sort; alter domain public.amount rename to sum_of');
  await check();
  await server.sql('create schema attic; alter type api.sort set schema attic; alter domain public.sum_of set schema attic; grant usage on schema attic to anon');
  await check();
  await server.sql('alter schema attic rename to cellar');
  await check();
});

test('tables that swap their names between the look-ups and the statement are not taken for each other', async () => {
  await server.sql(`create table api.upper (id int primary key, who text default 'right'); create table api.lower (who text default 'wrong', id int primary key);
    insert into api.upper (id) values (1); insert into api.lower (id) values (1);
    create table api.refers (id int, x int references api.upper); insert into api.refers values (1, 1);
    grant all on api.upper, api.lower, api.refers to anon`);
  const right = [{ id: 1, upper: { who: 'right' } }];
  let swapping = true;
  const embed = 'select=id,upper(who)';
  const read = () => server.get(`/refers?${embed}&id=eq.1`);
  const write = () => server.send('PATCH', `/refers?${embed}&id=eq.1`, { body: { x: 1 }, headers: { Prefer: 'return=representation' } });
  const ask = async (request) => {
    while (swapping) {
      const { status, body, text } = await request();
      // while the name stands for the other table there is no relationship
      if (status !== 400 || body.code !== 'PGRST200') assert.deepEqual([status, body], [200, right], text);
    }
  };
  const asking = Promise.all([ask(read), ask(read), ask(read), ask(write)]);
  for (let n = 0; n < 40; n++)
    await server.sql(
      Array(20).fill('begin; alter table api.upper rename to between; alter table api.lower rename to upper; alter table api.between rename to lower; commit;').join(''),
    );
  swapping = false;
  await asking;
  assert.deepEqual((await read()).body, right);
});
