// Aggregates beside paths, casts, stars, embeds and spreads; their order, and their number.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.db_aggregates_enabled': 'on' },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `set search_path = api;
       create type place as (hall text, seats int);
       create domain shade as int;
       create function shade_json(shade) returns json immutable language sql as $$ select json_build_object('s', $1::int) $$;
       create cast (shade as json) with function shade_json(shade) as implicit;
       create table films (id int primary key, title text, price int, j jsonb, tags text[], at place, made timestamp, tone shade);
       create table noms (id int primary key, film_id int references films, year int);
       insert into films values
         (1, 'a', 10, '{"k": "x", "n": 10, "o": {"p": 2}}', '{s,t}', '(one,5)', '2020-01-01 10:00', 1),
         (2, 'b', 20, '{"k": "y", "n": 9, "o": {"p": 1}}', '{t}', '(two,6)', '2020-01-01 12:00', 2),
         (3, 'c', 30, '{"k": "x", "n": 9, "o": {"p": 2}}', '{s}', '(one,7)', '2020-01-02 10:00', 1);
       insert into noms values (1, 1, 2000), (2, 1, 2001), (3, 2, 2000), (4, null, 2000);
       create function some_films() returns setof films stable language sql as 'select * from api.films';
       grant select on all tables in schema api to anon;`,
  );
});
after(() => server?.drop());

const body = async (path, status = 200) => {
  const answer = await server.get(path);
  assert.equal(answer.status, status, answer.text);
  return answer.body;
};

test('a star beside an aggregate that a spread hands up', async () => {
  assert.deepEqual(await body('/noms?select=*,...films(price.sum())&order=id&limit=2'), [
    { id: 1, film_id: 1, year: 2000, sum: 10 },
    { id: 2, film_id: 1, year: 2001, sum: 10 },
  ]);
  assert.deepEqual(await body('/films?select=title,count(),noms(*,...films(price.sum()))&order=title&noms.order=id&limit=2'), [
    { title: 'a', count: 1, noms: [{ id: 1, film_id: 1, year: 2000, sum: 10 }, { id: 2, film_id: 1, year: 2001, sum: 10 }] },
    { title: 'b', count: 1, noms: [{ id: 3, film_id: 2, year: 2000, sum: 20 }] },
  ]);
  assert.deepEqual(await body('/noms?select=count(),...films(title,tone)&order=films(title)'), [
    { count: 2, title: 'a', tone: { s: 1 } },
    { count: 1, title: 'b', tone: { s: 2 } },
    { count: 1, title: null, tone: null },
  ]);
});

test('order by what stands in the select list', async () => {
  assert.deepEqual(await body('/films?select=j->>k,count()&order=j->>k'), [{ k: 'x', count: 2 }, { k: 'y', count: 1 }]);
  assert.deepEqual(await body('/films?select=j->>k,count()&order=j->>k.desc.nullslast'), [{ k: 'y', count: 1 }, { k: 'x', count: 2 }]);
  assert.deepEqual(await body('/films?select=j->o,count()&order=j->o->>p'), [{ o: { p: 1 }, count: 1 }, { o: { p: 2 }, count: 2 }]);
  assert.deepEqual(await body('/films?select=tags->>0,count()&order=tags->>0'), [{ tags: 's', count: 2 }, { tags: 't', count: 1 }]);
  assert.deepEqual(await body('/films?select=at->>hall,seats:at->seats.max()&order=at->>hall', 404).then((error) => error.code), '42883', 'jsonb has no max');
  assert.deepEqual(await body('/films?select=at->>hall,seats:at->>seats::int.max()&order=at->>hall'), [{ hall: 'one', seats: 7 }, { hall: 'two', seats: 6 }]);
  assert.deepEqual(await body('/films?select=a:j->>k,b:j->o->p,count()&order=j->o->p.desc,j->>k.desc'), [{ a: 'x', b: 2, count: 2 }, { a: 'y', b: 1, count: 1 }]);
});

test('order by a field that is selected with a cast alone is order by what it is cast to', async () => {
  assert.deepEqual(await body('/films?select=j->>n::int,count()&order=j->>n'), [{ n: 9, count: 2 }, { n: 10, count: 1 }]);
  assert.deepEqual(await body('/films?select=day:made::date,count()&order=made.desc'), [{ day: '2020-01-02', count: 1 }, { day: '2020-01-01', count: 2 }]);
  assert.equal((await body('/films?select=made::date,count()&order=made')).length, 3, 'without alias the column is grouped by');
  assert.equal((await body('/films?select=day:made::date,count()&order=title', 400)).code, '42803');
});

test('aliases that are columns group by their own values', async () => {
  assert.deepEqual(await body('/films?select=title:j->>k,count()&order=j->>k'), [{ title: 'x', count: 2 }, { title: 'y', count: 1 }]);
  assert.deepEqual(await body('/films?select=id:tags->>0,price:price.sum()&order=tags->>0'), [{ id: 's', price: 40 }, { id: 't', price: 20 }]);
  assert.deepEqual(await body('/films?select=count:j->>k,sum:count()&order=j->>k'), [{ count: 'x', sum: 2 }, { count: 'y', sum: 1 }]);
});

test('representations of domains, with an alias and without', async () => {
  assert.deepEqual(await body('/films?select=tone,count()&order=tone'), [{ tone: { s: 1 }, count: 2 }, { tone: { s: 2 }, count: 1 }]);
  assert.deepEqual(await body('/films?select=t:tone,count()&order=tone'), [{ t: { s: 1 }, count: 2 }, { t: { s: 2 }, count: 1 }]);
  assert.deepEqual(await body('/films?select=t:tone::text,count()&order=tone'), [{ t: '{"s" : 1}', count: 2 }, { t: '{"s" : 2}', count: 1 }]);
});

test('several aggregates, on several levels', async () => {
  const answer = await server.get('/films?select=price.sum(),id.sum(),a:price.sum(),count()');
  assert.equal(answer.text, '[{"sum":60,"sum":6,"a":60,"count":3}]');
  assert.deepEqual(await body('/noms?select=year,n:count(),...films(films:count(),price.sum(),k:j->>k,p:price.max()::text)&order=year,films(k)'), [
    { year: 2000, k: 'x', n: 1, films: 1, sum: 10, p: '10' },
    { year: 2000, k: 'y', n: 1, films: 1, sum: 20, p: '20' },
    { year: 2000, k: null, n: 1, films: 0, sum: null, p: null },
    { year: 2001, k: 'x', n: 1, films: 1, sum: 10, p: '10' },
  ]);
  assert.deepEqual(await body('/films?select=j->>k,count(),noms(year,count())&order=j->>k&noms.order=year'), [
    { k: 'x', count: 1, noms: [] },
    { k: 'x', count: 1, noms: [{ year: 2000, count: 1 }, { year: 2001, count: 1 }] },
    { k: 'y', count: 1, noms: [{ year: 2000, count: 1 }] },
  ]);
  assert.deepEqual(await body('/films?select=count(),...noms(year)&noms.order=year.desc&order=count.desc').then((rows) => rows.sort((a, b) => a.year.length - b.year.length)), [
    { count: 1, year: [] },
    { count: 1, year: [2000] },
    { count: 1, year: [2001, 2000] },
  ]);
  assert.equal((await body('/films?select=title,...noms(year.max())', 400)).code, 'PGRST127');
});

test('the total counts groups', async () => {
  const range = async (path, preference, status, options) => {
    const answer = await server.send(options?.method ?? 'GET', path, { ...options, headers: { Prefer: `count=${preference}`, ...options?.headers } });
    assert.equal(answer.status, status, answer.text);
    return answer.headers.get('content-range');
  };
  const groups = '/films?select=j->>k,count()&order=j->>k';
  assert.equal(await range(groups, 'exact', 200), '0-1/2');
  assert.equal(await range(`${groups}&limit=1`, 'exact', 206), '0-0/2');
  assert.equal(await range(`${groups}&limit=1&offset=1`, 'exact', 206), '1-1/2');
  assert.equal(await range(`${groups}&limit=1&offset=1`, 'exact', 206, { method: 'HEAD' }), '1-1/2');
  assert.equal(await range(`${groups}&offset=2`, 'exact', 206), '*/2');
  assert.equal(await range(`${groups}&offset=3`, 'exact', 416), '*/2');
  assert.equal(await range(`${groups}&limit=0`, 'exact', 206), '*/2');
  assert.equal(await range(`${groups}&j->>k=eq.y&limit=1`, 'exact', 200, { headers: { Accept: 'application/vnd.pgrst.object+json' } }), '0-0/1');
  assert.equal(await range('/films?select=price.sum()&limit=1', 'exact', 200), '0-0/1');
  assert.equal(await range('/films?select=price.sum()&limit=1', 'planned', 200), '0-0/1');
  assert.equal(await range('/films?select=price.sum()&limit=1', 'estimated', 200), '0-0/1');
  assert.equal(await range('/films?select=price.sum()&id=lt.0&limit=1', 'exact', 200), '0-0/1');
  assert.equal(await range('/films?select=title,count()&id=lt.0&limit=1', 'exact', 200), '*/0');
  assert.equal(await range('/noms?select=count(),films(j->>k)&limit=1', 'exact', 206), '0-0/3');
  assert.equal(await range('/noms?select=count(),films!inner(j->>k)&limit=1', 'exact', 206), '0-0/2');
  assert.equal(await range('/noms?select=count(),...films(k:j->>k)&films=not.is.null&limit=1', 'exact', 206), '0-0/2');
  assert.equal(await range('/rpc/some_films?select=j->>k,count()&limit=1', 'exact', 206), '0-0/2');
});
