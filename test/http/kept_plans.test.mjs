// Kept plans know what they depend on, also where PostgreSQL does not track it: what a commit changes is in the next
// answer of every executor.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 2, 'pgrest.db_aggregates_enabled': 'on', 'pgrest.db_extra_search_path': 'public' });
});
after(() => server?.drop());

// Enough for both executors to have a generic plan of it.
async function repeatedly(path, check, options) {
  for (let n = 0; n < 3; n++) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => (options?.body ? server.post(path, options.body, options) : server.get(path, options))));
    answers.forEach(check);
  }
}
const gives = (path, wanted, options) => repeatedly(path, ({ body }) => assert.deepEqual(body, wanted), options);
const fails = (path, status, code, options) =>
  repeatedly(path, (answer) => assert.deepEqual([answer.status, answer.body.code], [status, code], answer.text), options);

// Each way to call a function that has the row type of a table; all show the table's columns.
const shapes = [
  ['a set', 'setof', 'stable language sql', 'select * from api.ROWS', '/rpc/FUNC', (rows) => rows],
  ['a set that cannot be inlined', 'setof', 'volatile language plpgsql', 'begin return query select * from api.ROWS; end', '/rpc/FUNC', (rows) => rows],
  ['one row', '', 'stable language sql', 'select * from api.ROWS', '/rpc/FUNC', (rows) => rows[0]],
];
let made = 0;
for (const [what, setof, attributes, body, path, shown] of shapes) {
  test(`a function that returns ${what}`, async () => {
    const table = `rows_${++made}`;
    const name = `func_${made}`;
    await server.sql(`create domain api.small_${made} as int;
      create table api.${table} (a int, b text, c api.small_${made}); insert into api.${table} values (1, 'x', 2);
      grant all on api.${table} to anon;
      create function api.${name}() returns ${setof} api.${table} ${attributes} as $$ ${body.replace('ROWS', table)} $$`);
    const url = path.replace('FUNC', name);
    await gives(url, shown([{ a: 1, b: 'x', c: 2 }]));
    await server.sql(`alter table api.${table} add d text default 'new'`);
    await gives(url, shown([{ a: 1, b: 'x', c: 2, d: 'new' }]));
    await server.sql(`alter table api.${table} rename a to z`);
    await gives(url, shown([{ z: 1, b: 'x', c: 2, d: 'new' }]));
    await server.sql(`alter table api.${table} drop b`);
    await gives(url, shown([{ z: 1, c: 2, d: 'new' }]));
    await server.sql(`alter table api.${table} alter z type text using 'one'`);
    await gives(url, shown([{ z: 'one', c: 2, d: 'new' }]));
    await server.sql(`drop domain api.small_${made} cascade`);
    await gives(url, shown([{ z: 'one', d: 'new' }]));
  });
}

test('a computed relationship', async () => {
  await server.sql(`create table api.parents (id int primary key); insert into api.parents values (1);
    create table api.kids (parent int, v int); insert into api.kids values (1, 5);
    create function api.offspring(api.parents) returns setof api.kids stable language sql as 'select * from api.kids where parent = $1.id';
    grant all on api.parents, api.kids to anon`);
  const path = '/parents?select=id,offspring(*)';
  await gives(path, [{ id: 1, offspring: [{ parent: 1, v: 5 }] }]);
  await server.sql('alter table api.kids add w int default 7');
  await gives(path, [{ id: 1, offspring: [{ parent: 1, v: 5, w: 7 }] }]);
  await server.sql('alter table api.kids drop v');
  await gives(path, [{ id: 1, offspring: [{ parent: 1, w: 7 }] }]);
  await server.sql('alter table api.kids rename w to x');
  await gives(path, [{ id: 1, offspring: [{ parent: 1, x: 7 }] }]);
});

test('a composite type, a domain over one, an array of them', async () => {
  await server.sql(`create type api.pair as (a int, b text); create domain api.pair_domain as api.pair;
    create function api.pairs() returns setof api.pair stable language sql as $$ select (json_populate_record(null::api.pair, '{"a":1,"b":"x","c":2}')).* $$;
    create function api.pair_of_domain() returns api.pair_domain stable language plpgsql as $$
      begin return json_populate_record(null::api.pair, '{"a":1,"b":"x","c":2}'); end $$;
    create function api.pair_array() returns api.pair[] stable language plpgsql as $$
      begin return array[json_populate_record(null::api.pair, '{"a":1,"b":"x","c":2}')]; end $$;
    create function api.pair_given(p api.pair) returns json stable language sql as 'select to_json(p)'`);
  const check = async (pair) => {
    await gives('/rpc/pairs', [pair]);
    await gives('/rpc/pair_of_domain', pair);
    await gives('/rpc/pair_array', [pair]);
    await gives('/rpc/pair_given', pair, { body: { p: { a: 1, b: 'x', c: 2 } } });
  };
  await check({ a: 1, b: 'x' });
  await server.sql('alter type api.pair add attribute c int');
  await check({ a: 1, b: 'x', c: 2 });
  await server.sql('alter type api.pair drop attribute b');
  await check({ a: 1, c: 2 });
  await server.sql('alter type api.pair alter attribute c type text');
  await check({ a: 1, c: '2' });
  await server.sql('alter type api.pair rename attribute c to b');
  await check({ a: 1, b: 'x' });
});

test('a polymorphic result inside of a view, and of a function', async () => {
  await server.sql(`create table api.poly (a int); insert into api.poly values (1); grant all on api.poly to anon;
    create function public.same(anyelement) returns setof anyelement stable language plpgsql as $$ begin return next $1; end $$;
    create function api.polys() returns setof api.poly stable language sql as $$ select (s).* from api.poly p, public.same(p) s $$`);
  await gives('/rpc/polys', [{ a: 1 }]);
  await server.sql('alter table api.poly add b int default 2');
  await gives('/rpc/polys', [{ a: 1, b: 2 }]);
  await server.sql('alter table api.poly drop a');
  await gives('/rpc/polys', [{ b: 2 }]);
});

test('a type that is only named in a cast is dropped and made again', async () => {
  await server.sql(`create type api.colour as enum ('red'); create table api.paints (c text); insert into api.paints values ('red');
    grant all on api.paints to anon; create function api.takes(c api.colour) returns text stable language sql as 'select c::text'`);
  const path = '/paints?select=c::colour';
  await gives(path, [{ c: 'red' }]);
  await gives('/rpc/takes?c=red', 'red');
  for (const labels of [`'green', 'red'`, `'red', 'blue'`]) {
    await server.sql(`drop type api.colour cascade; create type api.colour as enum (${labels});
      create function api.takes(c api.colour) returns text stable language sql as 'select c::text'`);
    await gives(path, [{ c: 'red' }]);
    await gives('/rpc/takes?c=red', 'red');
  }
});

test('labels of an enum are added and renamed', async () => {
  await server.sql(`create type api.state as enum ('new'); create table api.jobs (id int, s api.state); insert into api.jobs values (1, 'new');
    create view api.fresh_jobs as select id, s from api.jobs where s = 'new';
    create function api.state_of(s api.state) returns api.state stable language sql as 'select s'; grant all on api.jobs, api.fresh_jobs to anon`);
  await gives('/jobs?s=eq.new', [{ id: 1, s: 'new' }]);
  await gives('/fresh_jobs', [{ id: 1, s: 'new' }]);
  await fails('/rpc/state_of?s=done', 400, '22P02');
  await server.sql(`alter type api.state add value 'done'`);
  await gives('/rpc/state_of?s=done', 'done');
  await server.sql(`alter type api.state rename value 'new' to 'fresh'`);
  await gives('/jobs?s=eq.fresh', [{ id: 1, s: 'fresh' }]);
  await fails('/jobs?s=eq.new', 400, '22P02');
  await gives('/fresh_jobs', [{ id: 1, s: 'fresh' }]);
});

test('constraints of a domain', async () => {
  await server.sql(`create domain api.digit as int; create table api.digits (d api.digit); grant all on api.digits to anon;
    create function api.digit_of(d api.digit) returns int stable language sql as 'select d::int'`);
  await gives('/rpc/digit_of?d=12', 12);
  const insert = { body: { d: 12 }, headers: { Prefer: 'return=representation' } };
  await gives('/digits', [{ d: 12 }], insert);
  await server.sql('truncate api.digits; alter domain api.digit add constraint one_digit check (value < 10)');
  await fails('/rpc/digit_of?d=12', 400, '23514');
  await fails('/digits', 400, '23514', insert);
  await server.sql('alter domain api.digit drop constraint one_digit');
  await gives('/rpc/digit_of?d=12', 12);
  await server.sql('alter domain api.digit set not null');
  await fails('/digits', 400, '23502', { body: { d: null } });
});

test('casts come and go', async () => {
  await server.sql(`create type api.temperature as (degrees int); create table api.weather (t api.temperature); insert into api.weather values (row(7));
    grant all on api.weather to anon;
    create function api.as_text(api.temperature) returns text immutable language sql as $$ select $1.degrees || ' degrees' $$`);
  const path = '/weather?select=t::text';
  await gives(path, [{ t: '(7)' }]);
  await server.sql('create cast (api.temperature as text) with function api.as_text(api.temperature)');
  await gives(path, [{ t: '7 degrees' }]);
  await server.sql('drop cast (api.temperature as text)');
  await gives(path, [{ t: '(7)' }]);
});

test('an operator of the same name that fits better', async () => {
  await server.sql(`create type api.word as enum ('A', 'B'); create table api.words (w api.word); insert into api.words values ('A'); grant all on api.words to anon`);
  await gives('/words?w=eq.A', [{ w: 'A' }]);
  await server.sql(`create function public.never(api.word, api.word) returns boolean immutable language sql as 'select false';
    create operator public.= (leftarg = api.word, rightarg = api.word, function = public.never)`);
  await gives('/words?w=eq.A', []);
  await server.sql('drop operator public.= (api.word, api.word)');
  await gives('/words?w=eq.A', [{ w: 'A' }]);
});

test('functions and types that come earlier in the search path', async () => {
  await server.sql(`create table api.folk (id int); insert into api.folk values (1); grant all on api.folk to anon;
    create function public.label(api.folk) returns text stable language sql as $$ select 'public' $$;
    create domain public.shade as numeric(4,1)`);
  await gives('/folk?select=label', [{ label: 'public' }]);
  await gives('/folk?select=id::shade', [{ id: 1.0 }]);
  await server.sql(`create function api.label(api.folk) returns text stable language sql as $$ select 'api' $$;
    create domain api.shade as text`);
  await gives('/folk?select=label', [{ label: 'api' }]);
  await gives('/folk?select=id::shade', [{ id: '1' }]);
  await server.sql('drop function api.label(api.folk); drop domain api.shade');
  await gives('/folk?select=label', [{ label: 'public' }]);
  await gives('/folk?select=id::shade', [{ id: 1.0 }]);
  await server.sql('alter table api.folk add label int default 3');
  await gives('/folk?select=label', [{ label: 3 }]);
});

test('aggregates of users', async () => {
  await server.sql(`create domain api.money_amount as numeric; create table api.bills (v api.money_amount); insert into api.bills values (1), (2); grant all on api.bills to anon;
    create function public.first_of(numeric, numeric) returns numeric immutable language sql as 'select 42::numeric'`);
  await gives('/bills?select=v.sum()', [{ sum: 3 }]);
  await server.sql(`create aggregate api.sum(api.money_amount) (sfunc = public.first_of, stype = numeric, initcond = '0')`);
  await gives('/bills?select=v.sum()', [{ sum: 42 }]);
  await server.sql('drop aggregate api.sum(api.money_amount)');
  await gives('/bills?select=v.sum()', [{ sum: 3 }]);
});

test('policies follow memberships and attributes of roles', async () => {
  await server.sql(`create role staff; create table api.files (v int); insert into api.files values (1); grant select on api.files to anon, clerk;
    alter table api.files enable row level security; create policy p on api.files to staff using (true)`);
  await gives('/files', []);
  await server.sql('grant staff to anon');
  await gives('/files', [{ v: 1 }]);
  await server.sql('revoke staff from anon');
  await gives('/files', []);
  const clerk = { claims: { role: 'clerk' } };
  await gives('/files', [], clerk);
  await server.sql('alter role clerk bypassrls');
  await gives('/files', [{ v: 1 }], clerk);
  await server.sql('alter role clerk nobypassrls');
  await gives('/files', [], clerk);
  await server.sql('alter table api.files disable row level security');
  await gives('/files', [{ v: 1 }]);
  await server.sql('revoke select on api.files from anon');
  await fails('/files', 401, '42501');
});

test('tables that inherit, partitions, views over views', async () => {
  await server.sql(`create table api.base (v int); create table api.derived (v int); insert into api.base values (1); insert into api.derived values (2);
    create view api.seen as select * from api.base; create view api.seen_twice as select * from api.seen; grant all on all tables in schema api to anon`);
  await gives('/base?order=v', [{ v: 1 }]);
  await gives('/seen_twice?order=v', [{ v: 1 }]);
  await server.sql('alter table api.derived inherit api.base');
  await gives('/base?order=v', [{ v: 1 }, { v: 2 }]);
  await gives('/seen_twice?order=v', [{ v: 1 }, { v: 2 }]);
  await server.sql('create or replace view api.seen as select v from only api.base');
  await gives('/seen_twice?order=v', [{ v: 1 }]);
  await server.sql('alter view api.seen_twice rename v to w');
  await gives('/seen_twice?order=w', [{ w: 1 }]);
  await server.sql('alter table api.derived no inherit api.base');
  await gives('/base?order=v', [{ v: 1 }]);
});

test('a text search configuration, and a collation', async () => {
  await server.sql(`create text search configuration public.plain (copy = simple); create table api.texts (t text); insert into api.texts values ('running dogs'), ('Run'); grant all on api.texts to anon`);
  await gives('/texts?t=fts(plain).run', [{ t: 'Run' }]);
  await server.sql('alter text search configuration public.plain alter mapping replace simple with english_stem');
  await repeatedly('/texts?t=fts(plain).run', ({ body }) => assert.equal(body.length, 2));
  await server.sql('drop text search configuration public.plain; create text search configuration public.plain (copy = simple)');
  await gives('/texts?t=fts(plain).run', [{ t: 'Run' }]);
  await server.sql(`alter table api.texts alter t type text collate "C"`);
  await gives('/texts?order=t', [{ t: 'Run' }, { t: 'running dogs' }]);
});

test('what immutable functions gave when the plan was made', async () => {
  await server.sql(`create function api.rate() returns int immutable language sql as 'select 1';
    create function api.inner_rate() returns int stable language sql as 'select api.rate()';
    create view api.rates as select api.inner_rate() as rate;
    create text search configuration api.spoken (copy = english);
    create view api.spoken_words as select to_tsvector('api.spoken', 'running dogs')::text as words;
    grant select on api.rates, api.spoken_words to anon`);
  await gives('/rates', [{ rate: 1 }]);
  await gives('/rpc/inner_rate', 1);
  await gives('/spoken_words', [{ words: "'dog':2 'run':1" }]);
  await server.sql(`create or replace function api.rate() returns int immutable language sql as 'select 2'`);
  await gives('/rates', [{ rate: 2 }]);
  await gives('/rpc/inner_rate', 2);
  await server.sql('alter text search configuration api.spoken alter mapping for asciiword with simple');
  await gives('/spoken_words', [{ words: "'dogs':2 'running':1" }]);
});

// The request before is the one that kept the plan.
test('a function whose row type changes all the time, while it is called', async () => {
  await server.sql(`create table api.moving (v int); insert into api.moving values (42); grant all on api.moving to anon;
    create function api.moved() returns setof api.moving stable language plpgsql as $$ begin return query select * from api.moving; end $$`);
  for (let n = 0; n < 15; n++) {
    await server.sql(`alter table api.moving add extra${n} int default ${n}`);
    await repeatedly('/rpc/moved', ({ body }) => assert.equal(body[0]?.[`extra${n}`], n, JSON.stringify(body)));
    await server.sql(`alter table api.moving drop extra${n}`);
    await gives('/rpc/moved', [{ v: 42 }]);
  }
});
