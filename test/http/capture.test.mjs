// What a request brings, or what roles that may create objects leave lying about, does not change what pgrest itself
// does: neither its SQL nor the heads of its answers.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ 'pgrest.workers': 1, 'pgrest.db_aggregates_enabled': 'on' });
  await server.sql(`
    create table api.parents (id int primary key, name varchar, data jsonb);
    create table api.children (id int primary key, parent int references api.parents, words varchar default 'some words');
    create table api.named (id text primary key, n int);
    grant all on all tables in schema api to public;
    create function api.sum_up(a varchar, variadic b varchar[] default '{}') returns text language sql as $$ select a || b::text $$;
    create table public.captured (what text);
    grant insert on public.captured to public`);
  // each fits better than PostgreSQL's own, when both are looked up
  await server.sql(
    [
      ['to_jsonb', 'varchar', 'jsonb'],
      ['to_jsonb', 'int', 'jsonb'],
      ['row_to_json', 'api.parents', 'json'],
      ['to_tsvector', 'varchar', 'tsvector'],
      ['to_tsvector', 'text, varchar', 'tsvector'],
      ['to_tsquery', 'varchar', 'tsquery'],
      ['json_to_record', 'text', 'record'],
      ['json_to_recordset', 'text', 'setof record'],
      ['json_array_elements', 'text', 'setof json'],
      ['jsonb_array_elements', 'text', 'setof jsonb'],
      ['jsonb_build_array', 'jsonb', 'jsonb'],
      ['jsonb_build_object', 'text, varchar', 'jsonb'],
      ['unnest', 'text', 'setof text'],
      ['set_config', 'varchar, text, boolean', 'text'],
      ['current_setting', 'varchar, boolean', 'text'],
    ]
      .map(([name, parameters, result]) => `create function public.${name}(${parameters}) returns ${result} language plpgsql as
        $$ begin insert into public.captured values ('${name}'); raise '${name} was captured'; end $$;`)
      .join('\n'),
  );
  await server.sql(`create function public.note_int(int, int) returns int language plpgsql as $$ begin raise 'count was captured'; end $$;
    create aggregate public.count(int) (sfunc = public.note_int, stype = int, initcond = '0')`);
});
after(() => server?.drop());
beforeEach(() => server.sql(`
  truncate api.children, api.parents, api.named;
  insert into api.parents values (1, 'one', '{"a": [1]}');
  insert into api.children values (1, 1)`));

const json = (body) => JSON.stringify(body);
for (const [method, path, body, headers, status, text] of [
  ['GET', '/parents?select=name->a', undefined, {}, 200, '[{"a":null}]'],
  ['GET', '/parents?select=id->a&order=id->a', undefined, {}, 200, '[{"a":null}]'],
  ['GET', '/parents?select=id,children(id)', undefined, {}, 200, '[{"id":1,"children":[{"id": 1}]}]'],
  ['GET', '/parents?select=id,...children(child:id)', undefined, {}, 200, '[{"id":1,"child":[1]}]'],
  ['GET', '/children?select=id,parents(id)', undefined, {}, 200, '[{"id":1,"parents":{"id": 1}}]'],
  ['GET', '/children?select=id&words=fts.words', undefined, {}, 200, '[{"id":1}]'],
  ['GET', '/children?select=id&words=plfts(english).words', undefined, {}, 200, '[{"id":1}]'],
  ['GET', '/children?select=id.count()', undefined, {}, 200, '[{"count":1}]'],
  ['GET', '/children?select=count()', undefined, {}, 200, '[{"count":1}]'],
  ['GET', '/children?select=id&limit=1', undefined, { Prefer: 'count=exact' }, 200, '[{"id":1}]'],
  ['POST', '/parents', { id: 2 }, {}, 201, ''],
  ['POST', '/parents', [{ id: 2 }, { id: 3 }], {}, 201, ''],
  ['POST', '/parents', [{}], {}, 400, /23502/],
  ['POST', '/children?columns=id,words', [{ id: 2 }], { Prefer: 'missing=default, return=representation' }, 201, '[{"id":2,"parent":null,"words":"some words"}]'],
  ['POST', '/children?columns=id,words', { id: 3 }, { Prefer: 'missing=default, return=representation' }, 201, '[{"id":3,"parent":null,"words":"some words"}]'],
  ['POST', '/parents', { id: 1, name: 'uno' }, { Prefer: 'resolution=merge-duplicates, return=representation' }, 200, '[{"id":1,"name":"uno","data":{"a": [1]}}]'],
  ['PUT', '/parents?id=eq.4', { id: 4, name: 'four' }, { Prefer: 'return=representation' }, 201, '[{"id":4,"name":"four","data":null}]'],
  ['PATCH', '/parents?id=eq.1', { name: 'uno' }, {}, 204, ''],
  ['POST', '/rpc/sum_up', { a: 'x', b: ['y'] }, {}, 200, '"x{y}"'],
  ['GET', '/rpc/sum_up?a=x&b=y&b=z', undefined, {}, 200, '"x{y,z}"'],
]) {
  test(`functions on the search path do not take the place of PostgreSQL's: ${method} ${path} ${body ? json(body) : ''}`, async () => {
    const answer = await server.send(method, path, { body, headers });
    assert.equal(answer.status, status, answer.text);
    if (text instanceof RegExp) assert.match(answer.text, text);
    else assert.equal(answer.text, text);
    assert.equal(await server.sql('select count(*) from public.captured'), '0');
  });
}

test('operators and aggregates are looked up, since types of extensions have their own', async () => {
  await server.sql(`create extension citext schema public; create table api.mails (id int, mail public.citext);
    insert into api.mails values (1, 'Ann@Example.com'), (2, 'bob@example.com'); grant select on api.mails to public`);
  assert.equal((await server.get('/mails?select=id&mail=eq.ann@example.COM')).text, '[{"id":1}]');
  assert.equal((await server.get('/mails?select=mail.max()')).text, '[{"max":"bob@example.com"}]');
});

test('an operator that somebody made for the type of a column is found as well', async () => {
  await server.sql(`create function public.any_name(varchar, varchar) returns boolean language sql as $$ select current_user = 'anon' $$;
    create operator public.= (leftarg = varchar, rightarg = varchar, function = public.any_name)`);
  try {
    assert.equal((await server.get('/parents?select=id&name=eq.nobody')).text, '[{"id":1}]');
  } finally {
    await server.sql('drop function public.any_name cascade');
  }
});

// The head of an answer as it is on the wire.
async function head(method, path, body = '', headers = '') {
  const connection = server.connect();
  connection.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}Connection: close\r\n\r\n${body}`);
  await connection.take();
  connection.end();
  return connection.received.slice(0, connection.received.indexOf('\r\n\r\n'));
}

const EVIL = 'a\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK\r\n';
test('no header can be smuggled into an answer', async () => {
  await server.sql(`create table api."line${'\r\n'}X-Evil: 1" (id int primary key); grant all on all tables in schema api to public`);
  const encoded = encodeURIComponent(EVIL);
  const heads = {
    'Location, by a value': await head('POST', '/named', json({ id: EVIL }), 'Prefer: return=headers-only\r\n'),
    'Location, by a name': await head('POST', `/${encodeURIComponent('line\r\nX-Evil: 1')}`, json({ id: 1 }), 'Prefer: return=headers-only\r\n'),
    'Content-Location': await head('GET', `/named?id=eq.${encoded}&select=%22${encoded}%22:id`),
    Warning: await head('GET', `/parents?select=%22${encoded}%22:children(id)&children.id=eq.1`),
    'an error': await head('GET', `/${encoded}`),
    'Preference-Applied': await head('GET', '/named', '', 'Prefer: timezone=UTC\rX-Evil: 1\r\n'),
    'Content-Profile': await head('GET', '/named', '', 'Accept-Profile: api\rX-Evil: 1\r\n'),
    'a media type': await head('GET', '/named', '', 'Accept: application/vnd.pgrst.plan; for="a\rX-Evil: 1"\r\n'),
    'Access-Control-Allow-Origin': await head('OPTIONS', '/named', '', 'Origin: http://a\rX-Evil: 1\r\n'),
  };
  for (const [what, text] of Object.entries(heads)) {
    assert.match(text, /^HTTP\/1\.1 \d{3} /, what);
    assert.doesNotMatch(text, /[\r\n]X-Evil|HTTP\/1\.1[^]*HTTP\/1\.1/i, what);
    assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n\0]/, what);
  }
  assert.match(heads['Location, by a value'], /Location: \/named\?id=eq\.a%0D%0AX-Evil%3A%201%0D%0A%0D%0AHTTP/);
});

test('nor by response.headers and response.status', async () => {
  for (const bad of [{ 'X-A': 'b\r\nX-Evil: 1' }, { 'X-A': 'b\nX-Evil: 1' }, { 'X-A': 'b\rX-Evil: 1' }, { 'X-A\r\nX-Evil': '1' }, { 'X-A: 1\nX-Evil': '1' }, { 'X-A': 'b\0c' }]) {
    await server.sql(`create or replace function api.answer() returns int language sql as $$ select set_config('response.headers', $q$${json([bad])}$q$, true); select 1 $$`);
    const text = await head('POST', '/rpc/answer', '{}');
    assert.match(text, /^HTTP\/1\.1 500 /, json(bad));
    assert.doesNotMatch(text, /x-evil/i, json(bad));
  }
  await server.sql(`create or replace function api.answer() returns int language sql as $$ select set_config('response.status', E'299 \\r\\nX-Evil: 1', true); select 1 $$`);
  assert.doesNotMatch(await head('POST', '/rpc/answer', '{}'), /x-evil/i);
});
