// Names are looked up for the relations that a request names, when it names them: nothing else delays a request, and
// nobody can make the work large for others.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { pids } from './load.mjs';
import { Server, sleep, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.db_schemas': 'api' });
  await server.sql(`create role hasty; grant hasty to authenticator; grant usage on schema api to hasty; alter role hasty set statement_timeout = '300ms';
    create table api.bands (id int primary key, name text); insert into api.bands values (1, 'one');
    create table api.songs (id int primary key, band int references api.bands, title text); insert into api.songs values (1, 1, 'first');
    create view api.hits as select id, band, title from api.songs; create view api.top as select * from api.hits;
    create view api.unrelated as select 1 as n; create materialized view api.stored as select id, band from api.songs;
    grant all on all tables in schema api to anon, clerk, hasty`);
});
after(() => server?.drop());

const answers = async (path, wanted, options) => {
  const { status, body, text } = await server.get(path, { signal: AbortSignal.timeout(20000), ...options });
  assert.deepEqual([status, body], [200, wanted], text);
};

async function freshExecutor() {
  const [old] = await pids(server, 'executor');
  await server.sql(`select pg_terminate_backend(${old})`);
  await until('another executor', async () => {
    const [now] = await pids(server, 'executor');
    return now !== undefined && now !== old;
  });
}

// Runs the commands in a session that then holds its locks until `run` is through.
async function holding(commands, run) {
  await server.sql(`create table if not exists public.held (n int)`);
  const session = server.sql(`begin; ${commands}; lock table public.held; select pg_sleep(60)`).catch(() => {});
  await until('the locks', async () => (await server.sql(`select count(*) from pg_locks where relation = 'public.held'::regclass and mode = 'AccessExclusiveLock'`)) === '1');
  try {
    await run();
  } finally {
    await server.sql(`select pg_terminate_backend(pid) from pg_locks where relation = 'public.held'::regclass and mode = 'AccessExclusiveLock'`);
    await session;
  }
}

const embed = '/songs?select=title,bands(name)';
const embedded = [{ title: 'first', bands: { name: 'one' } }];

test('a lock on what a request does not use does not delay it, in a fresh executor neither', async () => {
  await holding('alter view api.hits rename title to name; alter view api.unrelated rename n to m; refresh materialized view api.stored', async () => {
    for (let n = 0; n < 2; n++) {
      await answers('/bands', [{ id: 1, name: 'one' }]);
      await answers(embed, embedded);
      await answers('/bands?select=name,songs(title)', [{ name: 'one', songs: [{ title: 'first' }] }]);
      assert.equal((await server.get('/bands?select=nothing(*)')).body.code, 'PGRST200');
      assert.equal((await server.get('/rpc/nothing')).body.code, 'PGRST202');
      await freshExecutor();
    }
  });
  await answers(embed, embedded);
});

test('a lock on a view below the one that is asked does not delay the look-up, only the statement', async () => {
  await freshExecutor();
  await holding('lock table api.songs', async () => {
    const { status, body } = await server.get('/top?select=title,bands(name)', { claims: { role: 'hasty' } });
    assert.deepEqual([status, body.code], [500, '57014']);
    assert.equal((await server.get('/top?select=title,nothing(name)')).body.code, 'PGRST200');
  });
});

test('the timeout of the role counts while names are looked up', async () => {
  await freshExecutor();
  await holding('alter table api.bands add column later int', async () => {
    for (let n = 0; n < 2; n++) {
      const { status, body } = await server.get('/bands', { claims: { role: 'hasty' }, signal: AbortSignal.timeout(20000) });
      assert.deepEqual([status, body.code], [500, '57014']);
    }
    await answers('/songs?select=title', [{ title: 'first' }], { claims: { role: 'hasty' } });
  });
  await answers('/bands', [{ id: 1, name: 'one' }], { claims: { role: 'hasty' } });
});

// Nothing is lost of what changed while the look-up was cancelled.
test('a look-up that is cancelled sees later what had changed', async () => {
  await answers(embed, embedded);
  await server.sql(`alter table api.bands rename column name to title; alter table api.songs rename constraint songs_band_fkey to of_band`);
  await holding('lock table api.bands', async () => {
    const { body } = await server.get('/bands?select=title', { claims: { role: 'hasty' } });
    assert.equal(body.code, '57014');
  });
  await answers('/songs?select=title,of_band(title)', [{ title: 'first', of_band: { title: 'one' } }]);
  assert.equal((await server.get('/songs?select=title,songs_band_fkey(title)')).body.code, 'PGRST200');
  await server.sql(`alter table api.bands rename column title to name; alter table api.songs rename constraint of_band to songs_band_fkey`);
  await answers(embed, embedded);
});

// ---- work without end

test('a view that shows each of four key columns 40 times', async () => {
  const columns = [1, 2, 3, 4].flatMap((c) => Array.from({ length: 40 }, (_, n) => `k${c} as k${c}_${n}`));
  await server.sql(`create table api.wide_parent (k1 int, k2 int, k3 int, k4 int, v text, primary key (k1, k2, k3, k4)); insert into api.wide_parent values (1, 2, 3, 4, 'x');
    create table api.wide_child (id int primary key, k1 int, k2 int, k3 int, k4 int, constraint wide_key foreign key (k1, k2, k3, k4) references api.wide_parent);
    insert into api.wide_child values (1, 1, 2, 3, 4);
    create view api.repeated as select id, ${columns} from api.wide_child; create view api.repeated_parent as select v, ${columns} from api.wide_parent;
    grant all on all tables in schema api to anon`);
  const [executor] = await pids(server, 'executor');
  await answers(embed, embedded);
  await answers('/wide_child?select=id,wide_parent(v)', [{ id: 1, wide_parent: { v: 'x' } }]);
  for (const path of ['/repeated?select=id,wide_parent(v)', '/repeated?select=id,wide_parent!wide_key(v)', '/repeated?select=id,wide_key(v)',
    '/wide_parent?select=v,repeated(id)', '/repeated?select=id,repeated_parent(v)', '/repeated_parent?select=v,repeated!wide_key(id)']) {
    const { status, body } = await server.get(path, { signal: AbortSignal.timeout(20000) });
    assert.deepEqual([status, body.code, body.details.length], [300, 'PGRST201', 32], path);
    assert.ok(body.message.startsWith('Very many'), body.message);
    assert.match(body.hint, /computed relationship/);
  }
  assert.deepEqual(await pids(server, 'executor'), [executor]);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(await server.sql(`select pg_read_file('/proc/${executor}/status')`))[1]) / 1024;
  assert.ok(peak < 300, `${peak} MB`);
});

test('of a key of one column that a view shows very often, a column tells which is meant', async () => {
  await server.sql(`create view api.same as select id, ${Array.from({ length: 1000 }, (_, n) => `band as band_${n}`)} from api.songs;
    create view api.same_bands as select name, ${Array.from({ length: 1000 }, (_, n) => `id as id_${n}`)} from api.bands; grant all on all tables in schema api to anon`);
  await answers('/same?select=id,bands!band_777(name)', [{ id: 1, bands: { name: 'one' } }]);
  await answers('/same?select=id,band_999(name)', [{ id: 1, band_999: { name: 'one' } }]);
  assert.deepEqual((await server.get('/same?select=id,same_bands!band_5(name)')).body.details.length, 32);
  assert.deepEqual((await server.get('/same?select=id,same_bands!id_5(name)')).body.details.length, 32);
});

test('hundreds of keys to one table, and junctions with many keys', async () => {
  await server.sql(`create table api.hub (id int primary key, v text); insert into api.hub values (1, 'x');
    do $$ begin for n in 1..300 loop execute format('create table api.spoke%s (id int primary key, hub int references api.hub, back int references api.hub)', n); end loop; end $$;
    create table api.many (${Array.from({ length: 16 }, (_, n) => `a${n} int references api.hub, b${n} int references api.bands`)},
      primary key (${Array.from({ length: 16 }, (_, n) => `a${n}, b${n}`)}));
    grant all on all tables in schema api to anon`);
  assert.deepEqual((await server.get('/hub?select=v,spoke7(id)')).body.details.length, 2);
  await answers('/hub?select=v,spoke7!hub(id)', [{ v: 'x', spoke7: [] }]);
  assert.deepEqual((await server.get('/hub?select=v,id(id)')).body.details.length, 32);
  assert.deepEqual((await server.get('/hub?select=v,bands(id)')).body.details.length, 32);
  assert.equal((await server.get('/hub?select=v,spoke(id)')).body.code, 'PGRST200');
});

test('chains of views, unions, self joins', async () => {
  let chain = 'create view api.chain0 as select * from api.songs;';
  for (let n = 1; n < 60; n++) chain += `create view api.chain${n} as select * from api.chain${n - 1};`;
  const union = Array.from({ length: 200 }, () => 'select id, band from api.songs').join(' union all ');
  const joined = Array.from({ length: 30 }, (_, n) => `api.songs s${n}`);
  await server.sql(`${chain} create view api.united as ${union};
    create view api.self_joined as select ${joined.map((_, n) => `s${n}.id as id${n}, s${n}.band as band${n}`)} from ${joined.join(' natural join ').replaceAll(' natural join ', ', ')};
    grant all on all tables in schema api to anon`);
  await answers('/chain59?select=title,bands(name)', embedded);
  await answers('/bands?select=name,chain59(title)', [{ name: 'one', chain59: [{ title: 'first' }] }]);
  assert.equal((await server.get('/united?select=id,bands(name)')).body.code, 'PGRST200');
  assert.equal((await server.get('/self_joined?select=id0,bands(name)')).body.details.length, 30);
  await answers('/self_joined?select=id0,bands!band7(name)', [{ id0: 1, bands: { name: 'one' } }]);
});

test('a rule that is too large to look into', async () => {
  await server.sql(`do $$ begin execute format('create view api.listed as select id, band from api.songs where id in (%s)', (select string_agg(n::text, ',') from generate_series(1, 70000) n)); end $$;
    grant select on api.listed to anon`);
  assert.ok(Number(await server.sql(`select length(ev_action) from pg_rewrite where ev_class = 'api.listed'::regclass`)) > 8 * 1024 * 1024);
  assert.equal((await server.get('/listed?select=id,bands(name)')).body.code, 'PGRST200');
  await answers('/listed?select=id', [{ id: 1 }]);
  await answers(embed, embedded);
});

// The catalog is looked at in part.
test('a name among very many', async () => {
  await server.sql(`do $$ begin for n in 1..3000 loop execute format('create function api.one_of_many_%s(a int) returns int language sql as ''select 1''', n); end loop; end $$`);
  const { status, body } = await server.get('/rpc/one_of_man_7');
  assert.deepEqual([status, body.code], [404, 'PGRST202']);
  assert.equal(body.hint, 'Perhaps you meant to call the function api.one_of_many_7.');
  for (let n = 2; n < 4; n++) await server.sql(`do $$ begin for n in ${n}001..${n + 1}000 loop execute format('create function api.more_of_many_%s(a int) returns int language sql as ''select 1''', n); end loop; end $$`);
  assert.equal((await server.get('/rpc/more_of_man_2001')).body.code, 'PGRST202');
  await server.sql(`do $$ declare f regprocedure; begin for f in select oid from pg_proc where proname like '%of_many%' loop execute 'drop function ' || f; end loop; end $$`);
});

test('looking names up ends when it is cancelled', async () => {
  const [executor] = await pids(server, 'executor');
  await holding('alter table api.songs add column later int', async () => {
    const gone = new AbortController();
    const asked = server.get('/songs', { signal: gone.signal }).catch(() => 'gone');
    await until('the wait', async () => (await server.sql(`select count(*) from pg_locks where not granted and pid = ${executor}`)) === '1');
    gone.abort();
    assert.equal(await asked, 'gone');
    await until('the end of the wait', async () => (await server.sql(`select count(*) from pg_locks where not granted and pid = ${executor}`)) === '0');
  });
});

// ---- hints

test('a self reference with two keys: what is proposed works', async () => {
  await server.sql(`create table api.nodes (id int primary key, up int references api.nodes, down int references api.nodes); insert into api.nodes values (1, null, null), (2, 1, 1);
    create table api.pairs (a int, b int, c int, d int, primary key (a, b), foreign key (c, d) references api.pairs, foreign key (d, c) references api.pairs);
    grant all on all tables in schema api to anon`);
  const { status, body } = await server.get('/nodes?select=id,nodes(id)');
  assert.equal(status, 300);
  const proposed = [...body.hint.matchAll(/'([^']+)'/g)].map(([, spelling]) => spelling).filter((spelling) => spelling.includes('!'));
  assert.deepEqual(proposed, ['nodes!down', 'nodes!up']);
  for (const spelling of proposed) assert.equal((await server.get(`/nodes?select=id,${spelling}(id)`)).status, 200, spelling);
  const composite = await server.get('/pairs?select=a,pairs(a)');
  assert.deepEqual([composite.status, /!/.test(composite.body.hint)], [300, false], composite.text);
});

test('every spelling that is proposed is one that works', async () => {
  await server.sql(`create table api.trips (id int primary key, from_band int references api.bands, to_band int references api.bands, song int references api.songs);
    create view api.trips_seen as select id, from_band, to_band from api.trips;
    create table api.linked (a int references api.bands, b int references api.bands, s int references api.songs, primary key (a, b, s)); grant all on all tables in schema api to anon`);
  for (const [origin, target] of [['trips', 'bands'], ['bands', 'trips'], ['trips_seen', 'bands'], ['bands', 'trips_seen'], ['bands', 'songs'], ['bands', 'linked'], ['songs', 'bands']]) {
    const { status, body, text } = await server.get(`/${origin}?select=${target}(*)`);
    assert.equal(status, 300, text);
    const proposed = [...body.hint.matchAll(/'([^']+)'/g)].map(([, spelling]) => spelling).slice(1);
    for (const spelling of proposed) assert.equal((await server.get(`/${origin}?select=${spelling}(*)`)).status, 200, spelling);
  }
});

test('a target that is proposed has a relationship', async () => {
  await server.sql(`create view api.songs_of as select title from api.songs; create view api.songs_off as select id, band from api.songs; grant all on all tables in schema api to anon`);
  const { body } = await server.get('/bands?select=songs_o(*)');
  assert.equal(body.hint, "Perhaps you meant 'songs_off' instead of 'songs_o'.");
});

test('only functions that can be called are proposed', async () => {
  await server.sql(`create function api.on_change() returns trigger language plpgsql as 'begin return new; end';
    create function api.on_ddl() returns event_trigger language plpgsql as 'begin end';
    create function api.takes_ints(int, int) returns int language sql as 'select 1'; create function api.takes_jsons(json) returns int language sql as 'select 1';
    create function api.takes_into(t text) returns int language sql as 'select 1'; create procedure api.proceed() language sql as 'select 1';
    create aggregate api.totals(int) (sfunc = int4pl, stype = int)`);
  const hint = async (answer) => (await answer).body.hint;
  for (const name of ['on_chang', 'on_dd', 'takes_int', 'procee', 'total']) assert.equal(await hint(server.get(`/rpc/${name}`)), name === 'takes_int' ? 'Perhaps you meant to call the function api.takes_into.' : null, name);
  assert.equal(await hint(server.get('/rpc/takes_json')), null);
  assert.equal(await hint(server.post('/rpc/takes_json', {})), 'Perhaps you meant to call the function api.takes_jsons.');
  assert.equal(await hint(server.get('/rpc/takes_jsons?a=1')), null);
});
