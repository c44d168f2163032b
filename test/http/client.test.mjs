// A client library as its users write it: every verb, every modifier, and the errors it hands on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { PostgrestClient } from '@supabase/postgrest-js';
import { Server, token, until } from './server.mjs';

let server;
let client;
before(async () => {
  server = await Server.start(
    { 'pgrest.db_schemas': 'api, archive', 'pgrest.db_plan_enabled': 'on', 'pgrest.db_aggregates_enabled': 'on' },
    readFileSync(new URL('festival.sql', import.meta.url), 'utf8'),
  );
  client = new PostgrestClient(server.url, { schema: 'api' });
});
after(() => server?.drop());

// The data of an answer that is no error.
async function data(query) {
  const answer = await query;
  assert.equal(answer.error, null, JSON.stringify(answer.error));
  return answer.data;
}
const ids = async (query) => (await data(query)).map((row) => row.id);
const artists = () => client.from('artists').select('id').order('id');

test('select: columns, aliases, casts, json paths', async () => {
  assert.deepEqual(await data(client.from('venues').select('id,place:name,city').eq('id', 1)), [{ id: 1, place: 'Castle', city: 'Graz' }]);
  assert.deepEqual(await data(client.from('artists').select('fee::text').eq('id', 2)), [{ fee: '250.50' }]);
  assert.deepEqual(await data(client.from('stages').select('specs->power').eq('id', 1)), [{ power: 40 }]);
});

for (const [what, filter, expected] of [
  ['eq', (q) => q.eq('name', 'Bo'), [2]],
  ['neq', (q) => q.neq('name', 'Bo'), [1, 3]],
  ['gt', (q) => q.gt('id', 1), [2, 3]],
  ['gte', (q) => q.gte('id', 2), [2, 3]],
  ['lt', (q) => q.lt('fee', 200), [1]],
  ['lte', (q) => q.lte('fee', 250.5), [1, 2]],
  ['like', (q) => q.like('name', 'A%'), [1]],
  ['likeAnyOf', (q) => q.likeAnyOf('name', ['A%', 'B%']), [1, 2]],
  ['likeAllOf', (q) => q.likeAllOf('name', ['A%', '%a']), [1]],
  ['ilike', (q) => q.ilike('name', 'a%'), [1]],
  ['ilikeAnyOf', (q) => q.ilikeAnyOf('name', ['a%', 'c%']), [1, 3]],
  ['ilikeAllOf', (q) => q.ilikeAllOf('name', ['b%', '%O']), [2]],
  ['is null', (q) => q.is('country', null), [3]],
  ['in', (q) => q.in('name', ['Ada', 'Cy']), [1, 3]],
  ['in with reserved characters', (q) => q.in('name', ['Ada', 'a,b', 'c"d', '(e)']), [1]],
  ['contains', (q) => q.contains('tags', ['loud']), [1]],
  ['containedBy', (q) => q.containedBy('tags', ['quiet', 'loud']), [2, 3]],
  ['overlaps', (q) => q.overlaps('tags', ['brass', 'quiet']), [1, 2]],
  ['textSearch', (q) => q.textSearch('name', 'ada', { type: 'plain', config: 'simple' }), [1]],
  ['match', (q) => q.match({ name: 'Ada', country: 'AT' }), [1]],
  ['not', (q) => q.not('country', 'is', null), [1, 2]],
  ['or', (q) => q.or('id.eq.1,and(id.eq.3,country.is.null)'), [1, 3]],
  ['filter', (q) => q.filter('id', 'in', '(2,3)'), [2, 3]],
]) {
  test(`filter: ${what}`, async () => assert.deepEqual(await ids(filter(artists())), expected));
}

test('filter: ranges', async () => {
  await server.sql(`create table api.slots (id int, seats int4range); insert into api.slots values (1, '[1,5)'), (2, '[5,9)'), (3, '[3,7)');
    grant select on api.slots to anon`);
  const slots = () => client.from('slots').select('id').order('id');
  assert.deepEqual(await ids(slots().rangeGt('seats', '[1,4)')), [2]);
  assert.deepEqual(await ids(slots().rangeGte('seats', '[3,4)')), [2, 3]);
  assert.deepEqual(await ids(slots().rangeLt('seats', '[5,9)')), [1]);
  assert.deepEqual(await ids(slots().rangeLte('seats', '[3,7)')), [1, 3]);
  assert.deepEqual(await ids(slots().rangeAdjacent('seats', '[5,9)')), [1]);
});

test('order, limit and range', async () => {
  const countries = (query) => data(query).then((rows) => rows.map((row) => row.country));
  assert.deepEqual(await countries(client.from('artists').select('country').order('country', { ascending: false, nullsFirst: false })), ['DE', 'AT', null]);
  assert.deepEqual(await countries(client.from('artists').select('country').order('country', { nullsFirst: true }).limit(2)), [null, 'AT']);
  assert.deepEqual(await ids(artists().range(1, 2)), [2, 3]);
});

test('embedding: each kind of relationship', async () => {
  assert.deepEqual(await data(client.from('stages').select('name,venues(name)').eq('id', 3)), [{ name: 'Pier', venues: { name: 'Harbour' } }]);
  assert.deepEqual(await data(client.from('venues').select('name,stages(name)').order('name', { referencedTable: 'stages', ascending: false }).order('id')), [
    { name: 'Castle', stages: [{ name: 'Tower' }, { name: 'Court' }] },
    { name: 'Harbour', stages: [{ name: 'Pier' }] },
    { name: 'Mill', stages: [] },
  ]);
  assert.deepEqual(await data(client.from('artists').select('genres(name)').eq('id', 2)), [{ genres: [{ name: 'folk' }] }]);
  assert.deepEqual(await data(client.from('shuttles').select('start:venues!departs(name),end:venues!arrives(name)')), [
    { start: { name: 'Castle' }, end: { name: 'Harbour' } },
  ]);
});

test('embedding: inner, filters, limits, spread, nested', async () => {
  assert.deepEqual(await ids(client.from('venues').select('id,stages!inner(name)').eq('stages.name', 'Pier')), [2]);
  assert.deepEqual(await data(client.from('venues').select('id,stages(name)').eq('id', 1).order('id', { referencedTable: 'stages' }).limit(1, { referencedTable: 'stages' })), [
    { id: 1, stages: [{ name: 'Court' }] },
  ]);
  assert.deepEqual(await ids(client.from('venues').select('id,stages!inner()').or('name.eq.Pier,name.eq.Tower', { referencedTable: 'stages' }).order('id')), [1, 2]);
  assert.deepEqual(await data(client.from('performances').select('id,...artists(artist:name)').eq('id', 2)), [{ id: 2, artist: 'Bo' }]);
  assert.deepEqual(await data(client.from('performances').select('stages(venues(city))').eq('id', 3)), [{ stages: { venues: { city: 'Kiel' } } }]);
});

test('counts, with rows and with head only', async () => {
  for (const count of ['exact', 'planned', 'estimated']) {
    const answer = await client.from('artists').select('*', { count }).limit(1);
    assert.equal(typeof answer.count, 'number', count);
    assert.equal(answer.data.length, 1);
  }
  const head = await client.from('artists').select('*', { count: 'exact', head: true }).gt('id', 1);
  assert.deepEqual([head.status, head.count, head.data], [200, 2, null]);
});

test('aggregates', async () => {
  assert.deepEqual(await data(client.from('performances').select('day,count()').order('day').limit(1)), [{ day: '2030-07-01', count: 2 }]);
  assert.deepEqual(await data(client.from('performances').select('rating.max()')), [{ max: 5 }]);
});

test('single and maybeSingle', async () => {
  assert.deepEqual(await data(client.from('venues').select('name').eq('id', 2).single()), { name: 'Harbour' });
  assert.deepEqual(await data(client.from('venues').select('name').eq('id', 2).maybeSingle()), { name: 'Harbour' });
  assert.equal(await data(client.from('venues').select().eq('id', 99).maybeSingle()), null);
  for (const query of [client.from('venues').select().single(), client.from('venues').select().eq('id', 99).single()]) {
    const { status, error } = await query;
    assert.deepEqual([status, error.code], [406, 'PGRST116']);
    assert.match(error.details, /^The result contains \d+ rows$/);  // some client libraries read it
  }
  assert.equal((await client.from('venues').select().maybeSingle()).error.code, 'PGRST116');
});

test('csv', async () => {
  assert.equal(await data(client.from('venues').select('id,name,city').order('id').csv()), 'id,name,city\n1,Castle,Graz\n2,Harbour,Kiel\n3,Mill,');
});

test('insert: one, many, returning, defaults', async () => {
  const one = await client.from('genres').insert({ id: 10, name: 'rock' });
  assert.deepEqual([one.status, one.data, one.error], [201, null, null]);
  const many = await client.from('genres').insert([{ id: 11, name: 'pop' }, { id: 12 }], { count: 'exact', defaultToNull: false }).select();
  assert.deepEqual([many.status, many.count, many.data], [201, 2, [{ id: 11, name: 'pop' }, { id: 12, name: null }]]);
  assert.deepEqual(await data(client.from('genres').insert({ id: 13, name: 'ska' }).select('name').single()), { name: 'ska' });
  assert.equal(await server.sql('select count(*) from api.genres where id >= 10'), '4');
});

test('upsert: merge, ignore, by another key', async () => {
  const merged = await client.from('genres').upsert([{ id: 10, name: 'hard rock' }, { id: 14, name: 'dub' }]).select().order('id');
  assert.deepEqual([merged.status, merged.data], [201, [{ id: 10, name: 'hard rock' }, { id: 14, name: 'dub' }]]);
  assert.equal((await client.from('genres').upsert({ id: 14, name: 'dub techno' })).status, 200);
  assert.deepEqual(await data(client.from('genres').upsert([{ id: 10, name: 'x' }, { id: 15, name: 'y' }], { ignoreDuplicates: true }).select()), [{ id: 15, name: 'y' }]);
  assert.deepEqual(await data(client.from('stages').upsert({ id: 3, name: 'Pier', specs: { power: 9 } }, { onConflict: 'name' }).select('id,specs')), [
    { id: 3, specs: { power: 9 } },
  ]);
});

test('update and delete', async () => {
  assert.equal((await client.from('genres').update({ name: 'z' }).eq('id', 10)).status, 204);
  const updated = await client.from('genres').update({ name: 'many' }, { count: 'exact' }).in('id', [11, 12]).select('id').order('id');
  assert.deepEqual([updated.status, updated.count, updated.data], [200, 2, [{ id: 11 }, { id: 12 }]]);
  assert.deepEqual(await data(client.from('genres').update({ name: 'nobody' }).eq('id', 99).select()), []);
  assert.deepEqual(await data(client.from('genres').delete().eq('id', 10).select('name').single()), { name: 'z' });
  const deleted = await client.from('genres').delete({ count: 'exact' }).gte('id', 10);
  assert.deepEqual([deleted.status, deleted.count], [204, 5]);
});

test('maxAffected', async () => {
  const { status, error } = await client.from('venues').update({ city: 'x' }).maxAffected(1);
  assert.deepEqual([status, error.code], [400, 'PGRST124']);
  assert.equal(await server.sql(`select count(*) from api.venues where city = 'x'`), '0');
});

test('rollback is accepted and ignored without leave', async () => {
  assert.equal((await client.from('gate_log').insert({ what: 'kept' }).rollback()).status, 201);
  assert.equal(await server.sql('select count(*) from api.gate_log'), '1');
});

test('functions: POST, GET, HEAD', async () => {
  assert.equal(await data(client.rpc('add', { a: 2, b: 3 })), 5);
  assert.equal(await data(client.rpc('add', { a: 2, b: -3 }, { get: true })), -1);
  assert.equal((await client.rpc('tidy')).status, 204);
  assert.equal(await data(client.rpc('total', { n: [1, 2, 3] })), 6);
  const head = await client.rpc('busy', { min_rating: 4 }, { head: true, count: 'exact' });
  assert.deepEqual([head.status, head.count, head.data], [200, 2, null]);
});

test('functions: rows are filtered, ordered, embedded, counted', async () => {
  const rows = await client.rpc('busy', { min_rating: 3 }, { count: 'exact' }).select('id,artists(name)').gt('rating', 3).order('id');
  assert.deepEqual([rows.count, rows.data], [2, [{ id: 1, artists: { name: 'Ada' } }, { id: 4, artists: { name: 'Cy' } }]]);
  assert.deepEqual(await data(client.rpc('busy', { min_rating: 3 }, { get: true }).select('id').order('id').limit(1)), [{ id: 1 }]);
  const booked = await data(client.rpc('book', { day: '2030-07-04', artist: 2 }).select('id,day'));
  assert.deepEqual(booked, { id: 5, day: '2030-07-04' });
  await client.from('performances').delete().eq('id', 5);
});

test('functions: the empty name is that of an unnamed parameter', async () => {
  assert.equal(await data(client.rpc('echo_text', { '': 'test' })), '{"":"test"}');
  assert.deepEqual(await data(client.rpc('echo_json', { '': 'test' })), { '': 'test' });
  assert.equal(await data(client.rpc('echo_bytes', { '': 'ü' })), `\\x${Buffer.from('{"":"ü"}').toString('hex')}`);
  assert.equal((await client.rpc('echo_number', { '': 1 })).error.code, 'PGRST202');
  assert.equal((await client.rpc('add', { '': 1 })).error.code, 'PGRST202');
  assert.equal((await client.rpc('echo_text', { '': 1, a: 2 })).error.code, 'PGRST202');
});

test('schemas', async () => {
  assert.deepEqual(await data(client.schema('archive').from('venues').select()), [{ id: 9, name: 'Old fort' }]);
  const { status, error } = await client.schema('private').from('venues').select();
  assert.deepEqual([status, error.code], [406, 'PGRST106']);
  assert.match(error.hint, /api.*archive/);
  assert.equal((await client.schema('archive').from('artists').select()).error.code, 'PGRST205');
});

test('tokens: an expired one is told by its message, times may have fractions', async () => {
  const now = Math.floor(Date.now() / 1000);
  const ask = async (claims) => {
    const { status, error } = await new PostgrestClient(server.url, { headers: { Authorization: `Bearer ${token({ role: 'clerk', ...claims })}` } }).from('venues').select();
    return [status, error?.code, error?.message];
  };
  assert.deepEqual(await ask({ exp: now - 3600 }), [401, 'PGRST303', 'JWT expired']);
  assert.deepEqual(await ask({ exp: now - 3600.5 }), [401, 'PGRST303', 'JWT expired']);
  assert.equal((await ask({ exp: now + 3600.25, nbf: now - 0.5, iat: now - 1.75 }))[0], 200);
  assert.equal((await ask({ nbf: now + 3600.5 }))[0], 401);
  assert.equal((await ask({ iat: now + 3600.5 }))[0], 401);
});

test('tokens', async () => {
  const clerk = new PostgrestClient(server.url, { headers: { Authorization: `Bearer ${token({ role: 'clerk', desk: 3 })}` } });
  assert.deepEqual(await data(clerk.rpc('claims')), { role: 'clerk', desk: 3 });
  const { status, error } = await clerk.from('closed').select();
  assert.deepEqual([status, error.code], [403, '42501']);
  assert.equal((await client.from('closed').select()).status, 401);
});

test('explain', async () => {
  assert.match(await data(client.from('venues').select().explain()), /Scan on venues/);
  const [{ Plan }] = await data(client.from('venues').select().eq('id', 1).explain({ format: 'json', analyze: true }));
  assert.equal(Plan['Actual Loops'], 1);
});

test('an aborted request is cancelled in the database', async () => {
  const running = async () => Number(await server.sql(`select count(*) from pg_stat_activity where state = 'active' and query like '%nap%' and pid <> pg_backend_pid()`));
  const abort = new AbortController();
  const answer = client.rpc('nap', { seconds: 60 }, { get: true }).abortSignal(abort.signal).then((result) => result);
  await until('the query to run', async () => (await running()) > 0);
  abort.abort();
  assert.match((await answer).error.message, /AbortError/);
  await until('the query to end', async () => (await running()) === 0);
});

test('errors of the database arrive with their fields', async () => {
  const duplicate = await client.from('venues').insert({ id: 1, name: 'Again' });
  assert.equal(duplicate.status, 409);
  assert.equal(duplicate.error.code, '23505');
  assert.match(duplicate.error.details, /\(id\)=\(1\)/);
  const { status, error } = await client.rpc('raise', { state: 'P0001', says: 'No', detail: 'why', hint: 'what to do' });
  assert.deepEqual({ status, ...error }, { status: 400, code: 'P0001', message: 'No', details: 'why', hint: 'what to do' });
  await assert.rejects(async () => client.from('nothing').select().throwOnError(), { code: 'PGRST205' });
});
