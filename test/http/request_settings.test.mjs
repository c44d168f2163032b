// What SQL learns about a request (request.*, one setting a claim), and what it may change in the answer (response.*).
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ESCAPED, SECRET, Server, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start(
    { 'pgrest.workers': 1, 'pgrest.db_plan_enabled': 'on' },
    readFileSync(new URL('fixture.sql', import.meta.url), 'utf8') +
      `create table api.rooms (id int primary key, name text);
       insert into api.rooms values (1, 'hall'), (2, 'attic');
       create function api.mark(what text) returns text language plpgsql as $$
       begin
         perform set_config('response.headers', '[{"X-Mark": "' || what || '"}]', true), set_config('response.status', '293', true);
         return what;
       end $$;
       create function api.marked(api.rooms) returns text language sql as 'select api.mark($1.name)';
       create function api.mark_row() returns trigger language plpgsql as $$ begin perform api.mark(tg_argv[0]); return new; end $$;
       create table api.before (id int); create trigger t before insert on api.before for each row execute function api.mark_row('before');
       create table api.after (id int); create trigger t after insert on api.after for each row execute function api.mark_row('after');
       create table api.late (id int);
       create constraint trigger t after insert on api.late deferrable initially deferred for each row execute function api.mark_row('late');
       create view api.instead as select * from api.rooms;
       create trigger t instead of insert or update on api.instead for each row execute function api.mark_row('instead');
       create function api.shape(status text default '', headers text default '') returns text language plpgsql as $$
       begin
         perform set_config('response.status', status, true), set_config('response.headers', headers, true);
         return 'shaped';
       end $$;
       create function api.shape_and_fail() returns text language plpgsql as $$
       begin
         perform api.mark('failed');
         raise exception 'no';
       end $$;
       create function api.hook() returns void language plpgsql as $$
       begin
         if current_setting('request.headers')::json ->> 'x-hook' = 'mark' then perform api.mark('hook'); end if;
       end $$;
       create view api.request as select current_setting('request.method') as method, current_setting('request.path') as path;
       grant all on all tables in schema api to anon, clerk;`,
  );
});
after(() => server?.drop());

const setting = (name, options) => server.value(`select current_setting('${name}', true)`, options);
const base64url = (text) => Buffer.from(text).toString('base64url');

// A token with exactly this text as its payload.
const bearer = (payload) => {
  const signed = `${base64url('{"alg":"HS256"}')}.${base64url(payload)}`;
  return { headers: { Authorization: `Bearer ${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}` } };
};

// --- claims --------------------------------------------------------------------------------------------------

test('claims reach SQL as they were sent', async () => {
  const payload =
    '{"role":"clerk","whole":123456789012345678901234,"part":0.1000000000000000055,"e":1e400,"on":true,"off":false,"none":null,' +
    `"text":"a \\"b\\" \\u00e4 ${ESCAPED[0]} \\\\",` + '"zero":"a\\u0000b","list":[1,{"a":null}],"crew":{"a":1}}';
  const options = bearer(payload);
  const claims = await setting('request.jwt.claims', options);
  for (const piece of ['123456789012345678901234', '0.1000000000000000055', 'a\\u0000b', '"none":null']) assert.ok(claims.includes(piece), piece);
  assert.deepEqual(JSON.parse(claims.replace('1e400', '1')), JSON.parse(payload.replace('1e400', '1')));
  const one = (name) => setting(`request.jwt.claim.${name}`, options);
  assert.equal(await one('role'), 'clerk');
  assert.equal(await one('whole'), '123456789012345678901234');
  assert.equal(await one('part'), '0.1000000000000000055');
  assert.deepEqual([await one('on'), await one('off')], ['true', 'false']);
  assert.equal(await one('text'), `a "b" ä ${ESCAPED[1]} \\`);
  assert.deepEqual(JSON.parse(await one('list')), [1, { a: null }]);
  assert.deepEqual(JSON.parse(await one('crew')), { a: 1 });
  for (const name of ['none', 'zero', 'crew.a', 'missing']) assert.equal(await one(name), null, name);
});

test('a claim whose name is no name of a parameter is only in the JSON form', async () => {
  const odd = { 'https://x.example/a': 1, 'given-name': 2, '2fa': 3, 'a b': 4, '': 5, 'x..y': 6, '.x': 7, 'x.': 8, 'it\'s': 9, 'a.1': 10 };
  const good = { _a: 11, 'port.code': 12, a$1: 13, größe: 14, HomePort: 'x' };
  const options = { claims: { role: 'clerk', ...odd, ...good } };
  assert.deepEqual(JSON.parse(await setting('request.jwt.claims', options)), options.claims);
  for (const [name, value] of Object.entries(good)) assert.equal(await setting(`request.jwt.claim.${name}`, options), String(value), name);
  assert.equal(await setting('request.jwt.claim.homeport', options), 'x');
  for (const name of ['x..y', '2fa', 'given-name']) assert.equal(await setting(`request.jwt.claim.${name}`, options), null, name);
});

test('of claims that differ in case the one in small letters counts, of repeated ones the first', async () => {
  assert.equal(await setting('request.jwt.claim.desk', { claims: { role: 'clerk', desk: 'small', DESK: 'large', Desk: 'mixed' } }), 'small');
  assert.equal(await setting('request.jwt.claim.desk', { claims: { role: 'clerk', DESK: 'large', Desk: 'mixed' } }), 'mixed');
  const repeated = bearer('{"role":"clerk","desk":"first","desk":"second"}');
  assert.equal(await setting('request.jwt.claim.desk', repeated), 'first');
  assert.equal(await server.value(`select current_setting('request.jwt.claims')::jsonb ->> 'desk'`, repeated), 'first');
});

test('the role in the claims is the role in force', async () => {
  assert.deepEqual(JSON.parse(await setting('request.jwt.claims')), { role: 'anon' });
  assert.equal(await setting('request.jwt.claim.role'), 'anon');
  const without = { claims: { email: 'a@b' } };
  assert.deepEqual(JSON.parse(await setting('request.jwt.claims', without)), { email: 'a@b', role: 'anon' });
  server.reload({ 'pgrest.jwt_role_claim_key': '$.port.role' });
  const elsewhere = { claims: { role: 'other', port: { role: 'clerk' } } };
  await until('the other place', async () => (await server.post('/rpc/value', { query: 'select current_user' }, elsewhere)).body === 'clerk');
  assert.deepEqual(JSON.parse(await setting('request.jwt.claims', elsewhere)), { role: 'clerk', port: { role: 'clerk' } });
  assert.equal(await setting('request.jwt.claim.role', elsewhere), 'clerk');
  server.reload({ 'pgrest.jwt_role_claim_key': '$.role' });
  await until('the usual place', async () => (await server.post('/rpc/value', { query: 'select current_user' }, { claims: { role: 'clerk' } })).body === 'clerk');
});

test('a claim of one request is never seen by another', async () => {
  const desk = () => setting('request.jwt.claim.desk');
  assert.equal(await setting('request.jwt.claim.desk', { claims: { role: 'clerk', desk: 5 } }), '5');
  assert.ok([null, ''].includes(await desk()));
  await server.post('/rpc/value', { query: 'select 1/0' }, { claims: { role: 'clerk', desk: 6 } });
  assert.ok([null, ''].includes(await desk()));
  assert.equal(await setting('request.jwt.claim.desk', { claims: { role: 'clerk', desk: null } }), '');
});

// --- the request ---------------------------------------------------------------------------------------------

test('method and path as they were sent', async () => {
  assert.deepEqual((await server.get('/%72equest?select=method,path')).body, [{ method: 'GET', path: '/%72equest' }]);
  assert.equal(await setting('request.path'), '/rpc/value');
  assert.equal(await setting('request.method'), 'POST');
});

// A request as bytes; its answer's body.
async function raw(fields, query) {
  const body = JSON.stringify({ query });
  const connection = server.connect();
  connection.write(`POST /rpc/value HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`);
  const [answer] = await connection.take();
  connection.end();
  return answer;
}

test('headers: small names, the last of repeated ones, no cookies', async () => {
  const answer = await raw('X-ONE: 1\r\nx-one:  2 \r\nX-Quote: a "b" \\ \r\nCookie: a=1\r\nX-Empty:\r\n', `select current_setting('request.headers')`);
  const headers = JSON.parse(JSON.parse(answer.body));
  assert.deepEqual([headers['x-one'], headers['x-quote'], headers.host, headers.cookie, headers['x-empty']], ['2', 'a "b" \\', 'x', undefined, '']);
  assert.ok(Object.keys(headers).every((name) => name === name.toLowerCase()));
  const own = JSON.parse(await setting('request.headers', { claims: { role: 'clerk' } }));
  assert.match(own.authorization, /^Bearer /);
});

for (const [sent, seen] of [
  ['', {}],
  ['a=1; b=2', { a: '1', b: '2' }],
  ['a="x"; b="; c=x"', { a: 'x', b: '"', c: 'x"' }],
  ['a=1; a=2', { a: '2' }],
  ['a; =b; c==d', { a: '', '': 'b', c: '=d' }],
  ['a=1 ;   b= 2 ', { a: '1 ', b: ' 2' }],
  ['a=\\; b=""', { a: '\\', b: '' }],
]) {
  test(`cookies: ${sent || 'none'}`, async () => {
    const answer = await raw(sent ? `Cookie: ${sent}\r\n` : '', `select current_setting('request.cookies')`);
    assert.deepEqual(JSON.parse(JSON.parse(answer.body)), seen);
  });
}

test('bytes that are no UTF-8 do not become text of the database', async () => {
  const answer = await raw('X-Odd: a\xff\xfeb\r\nCookie: k=\xff\r\n', `select current_setting('request.headers') || current_setting('request.cookies')`);
  assert.ok([200, 400].includes(answer.status), String(answer.status));
  // whatever came, it is text that PostgreSQL itself would take
  const taken = await raw('X-Odd: a\xff\xfeb\r\nCookie: k=\xff\r\n', `select convert_from(convert_to(v, 'UTF8'), 'UTF8') = v from (select current_setting('request.headers') || current_setting('request.cookies') as v) s`);
  assert.equal(taken.status, answer.status);
  if (answer.status === 200) assert.equal(taken.body, '"true"');
});

// --- what reads them -----------------------------------------------------------------------------------------

const clerk = { claims: { role: 'clerk', desk: 'seven' }, headers: { 'X-Own': 'yes' } };

test('every way to read a setting', async () => {
  const value = (query) => server.value(query, clerk);
  assert.equal(await value(`show request.jwt.claim.desk`), 'seven');
  // PostgreSQL keeps parameters that nobody has defined out of its list
  assert.equal(await value(`select count(*) from pg_settings where name ^@ 'request.'`), '0');
  assert.equal(await value(`select current_setting('REQUEST.Method', false)`), 'POST');
  assert.equal(await value(`select (xpath('//d/text()', query_to_xml('select current_setting(''request.jwt.claim.desk'') as d', true, true, '')))[1]`), 'seven');
});

test('a value of the user\'s own goes over it, and rolls back with its block', async () => {
  await server.sql(`
    create function api.nested() returns text[] language plpgsql as $$
    declare seen text[];
    begin
      seen := array[current_setting('request.jwt.claim.desk')];
      perform set_config('request.jwt.claim.desk', 'own', true);
      seen := seen || current_setting('request.jwt.claim.desk');
      begin
        set local request.jwt.claim.desk = 'inner';
        seen := seen || current_setting('request.jwt.claim.desk');
        raise exception 'back';
      exception when others then
        seen := seen || current_setting('request.jwt.claim.desk');
      end;
      return seen || api.with_clause() || current_setting('request.jwt.claim.desk');
    end $$;
    create function api.with_clause() returns text security definer set request.jwt.claim.desk = 'clause' language sql as
      $$ select current_setting('request.jwt.claim.desk') || ' ' || current_setting('request.method') $$`);
  assert.deepEqual((await server.post('/rpc/nested', {}, clerk)).body, ['seven', 'own', 'inner', 'own', 'clause POST', 'own']);
  assert.equal(await setting('request.jwt.claim.desk', clerk), 'seven');
});

test('reads see them in views, policies, computed columns, defaults, checks of domains, and stable functions', async () => {
  await server.sql(`
    create view api.by_view as select id from api.rooms where current_setting('request.jwt.claim.desk', true) = 'seven';
    create table api.by_policy (id int); insert into api.by_policy values (1); alter table api.by_policy enable row level security;
    create policy p on api.by_policy using (current_setting('request.jwt.claims', true)::json ->> 'desk' = 'seven');
    create function api.desk(api.rooms) returns text stable language sql as $$ select current_setting('request.jwt.claim.desk', true) $$;
    create function api.desk_of_me() returns text stable language sql as $$ select current_setting('request.jwt.claim.desk', true) $$;
    create view api.by_function as select api.desk_of_me() as desk;
    create table api.by_default (id int, desk text default current_setting('request.jwt.claim.desk', true));
    create type api.shown as enum ('x');
    create function api.shown_as_json(api.shown) returns json stable language plpgsql as
      $$ begin return to_json(current_setting('request.jwt.claim.desk', true)); end $$;
    create cast (api.shown as json) with function api.shown_as_json(api.shown);
    create table api.by_cast (id int primary key, v api.shown); insert into api.by_cast values (1, 'x');
    create domain api.mine as int check (coalesce(current_setting('request.jwt.claim.desk', true), '') = 'seven' or value > 0);
    create view api.by_domain as select (-1)::api.mine as v from api.rooms where id = 1;
    grant all on all tables in schema api to anon, clerk`);
  const read = async (path, options = clerk) => (await server.get(path, options)).body;
  // often, since PostgreSQL plans the first runs of a saved statement anew; and for another client, with the same plan
  for (let i = 0; i < 9; i++) {
    assert.deepEqual(await read('/by_view?select=id'), [{ id: 1 }, { id: 2 }]);
    assert.deepEqual(await read('/by_policy'), [{ id: 1 }]);
    assert.deepEqual(await read('/rooms?select=desk&id=eq.1'), [{ desk: 'seven' }]);
    assert.deepEqual(await read('/rooms?select=id&desk=eq.seven'), [{ id: 1 }, { id: 2 }]);
    assert.deepEqual(await read('/by_function'), [{ desk: 'seven' }]);
    assert.deepEqual(await read('/by_cast?select=v'), [{ v: 'seven' }]);
    assert.deepEqual(await read('/by_domain'), [{ v: -1 }]);
    assert.deepEqual(await read('/by_view?select=id', { claims: { role: 'clerk', desk: 'eight' } }), []);
    assert.deepEqual(await read('/by_policy', { claims: { role: 'clerk' } }), []);
    assert.equal((await server.get('/by_domain', { claims: { role: 'clerk' } })).body.code, '23514');
  }
  assert.deepEqual((await server.post('/by_default', { id: 1 }, { ...clerk, headers: { Prefer: 'return=representation' } })).body, [{ id: 1, desk: 'seven' }]);
});

test('and see them at once after DDL has changed what a saved plan reads', async () => {
  await server.sql(`create table api.turning (id int); insert into api.turning values (1); grant all on api.turning to clerk`);
  const read = async () => (await server.get('/turning?id=eq.1', clerk)).body;
  for (let i = 0; i < 3; i++) {
    for (let n = 0; n < 9; n++) assert.deepEqual(await read(), [{ id: 1 }]);
    await server.sql(`alter table api.turning enable row level security;
      create policy p on api.turning using (current_setting('request.jwt.claim.desk') = 'seven' and current_setting('request.method') = 'GET')`);
    assert.deepEqual(await read(), [{ id: 1 }]);
    await server.sql(`drop policy p on api.turning; alter table api.turning disable row level security`);
  }
});

test('and when it changes while requests run', async () => {
  await server.sql(`create table api.spinning (id int, name text); insert into api.spinning values (1, 'x'); grant all on api.spinning to clerk;
    create policy p on api.spinning using (current_setting('request.jwt.claim.desk') = 'seven' and current_setting('request.method') = 'GET')`);
  let done = false;
  const client = async () => {
    let answers = 0;
    for (; !done; answers++) {
      const answer = await server.get('/spinning?id=eq.1&select=name', clerk);
      assert.deepEqual([answer.status, answer.body], [200, [{ name: 'x' }]]);
    }
    return answers;
  };
  const clients = [client(), client(), client()];
  try {
    for (let i = 0; i < 15; i++) await server.sql(`alter table api.spinning ${i % 2 ? 'disable' : 'enable'} row level security`);
  } finally {
    done = true;
  }
  for (const answers of await Promise.all(clients)) assert.ok(answers > 9);
});

test('functions that are planned into a statement see them, whatever they are marked as', async () => {
  await server.sql(`
    create function api.claimed(what text) returns boolean immutable language plpgsql as
      $$ begin return current_setting('request.jwt.claim.desk') = what; end $$;
    create function api.inlined(what text) returns boolean stable language sql as
      $$ select current_setting('request.jwt.claim.desk') = what $$;
    create view api.by_claimed as select id from api.rooms where api.claimed(name);
    create function api.folded() returns text immutable language plpgsql as $$ begin return current_setting('request.method'); end $$;
    create view api.by_folded as select id from api.rooms where api.folded() = 'GET';
    create view api.by_inlined as select id from api.rooms where api.inlined('seven');
    grant all on all tables in schema api to anon, clerk`);
  await server.sql(`update api.rooms set name = 'seven' where id = 2`);
  for (let i = 0; i < 9; i++) {
    assert.deepEqual((await server.get('/by_claimed?id=lt.9', clerk)).body, [{ id: 2 }]);
    assert.deepEqual((await server.get('/by_folded?id=lt.9', clerk)).body, [{ id: 1 }, { id: 2 }]);
    assert.deepEqual((await server.get('/by_inlined?id=lt.9', clerk)).body, [{ id: 1 }, { id: 2 }]);
    assert.deepEqual((await server.get('/rooms?select=id&order=id', clerk)).body, [{ id: 1 }, { id: 2 }]);
  }
  // the function itself is still there for whoever has another claim
  assert.deepEqual((await server.get('/by_claimed?id=lt.9', { claims: { role: 'clerk', desk: 'x' } })).body, []);
});

test('partitions and children', async () => {
  await server.sql(`
    create table api.parted (id int, desk text) partition by list (desk);
    create table api.part partition of api.parted for values in ('seven');
    insert into api.parted values (1, 'seven');
    alter table api.parted enable row level security;
    create policy p on api.parted using (desk = current_setting('request.jwt.claim.desk'));
    create table api.parent (id int); create table api.child () inherits (api.parent); insert into api.child values (1);
    grant all on all tables in schema api to anon, clerk`);
  for (let i = 0; i < 9; i++) {
    assert.deepEqual((await server.get('/parted?select=id', clerk)).body, [{ id: 1 }]);
    assert.deepEqual((await server.get('/parent', clerk)).body, [{ id: 1 }]);
  }
});

// --- response.* ----------------------------------------------------------------------------------------------

for (const [what, method, path, body] of [
  ['a computed column', 'GET', '/rooms?select=marked&id=eq.1'],
  ['a BEFORE trigger', 'POST', '/before', { id: 1 }],
  ['an INSTEAD OF trigger', 'POST', '/instead', { id: 9 }],
  ['an INSTEAD OF trigger of PATCH', 'PATCH', '/instead?id=eq.1', { name: 'x' }],
  ['a function', 'POST', '/rpc/mark', { what: 'function' }],
  ['the filter of a DELETE', 'DELETE', '/rooms?marked=eq.nothing'],
]) {
  test(`${what} shapes the answer`, async () => {
    const answer = await server.send(method, path, { body });
    assert.equal(answer.status, 293, answer.text);
    assert.ok(answer.headers.get('x-mark'));
  });
}

test('AFTER and constraint triggers come too late', async () => {
  for (const path of ['/after', '/late'])
    for (const headers of [{}, { Prefer: 'return=representation' }]) {
      const answer = await server.post(path, { id: 1 }, { headers });
      assert.deepEqual([answer.status, answer.headers.get('x-mark')], [201, null], path);
    }
  assert.equal((await server.get('/rooms?id=eq.1')).status, 200);
});

test('errors, OPTIONS and plans are not shaped', async () => {
  assert.deepEqual((({ status, headers }) => [status, headers.get('x-mark')])(await server.post('/rpc/shape_and_fail', {})), [400, null]);
  server.reload({ 'pgrest.db_pre_request': 'hook' });
  const hooked = (headers = {}) => ({ headers: { 'X-Hook': 'mark', ...headers } });
  await until('the hook', async () => (await server.get('/rooms', hooked())).status === 293);
  for (const [method, path, options, status] of [
    ['OPTIONS', '/rooms', hooked(), 200],
    ['GET', '/rooms?id=eq.x', hooked(), 400],
    ['GET', '/rooms', hooked({ Accept: 'application/vnd.pgrst.plan+json' }), 200],
    ['GET', '/rooms', hooked({ Accept: 'application/vnd.pgrst.object+json' }), 406],
  ]) {
    const answer = await server.send(method, path, options);
    assert.deepEqual([answer.status, answer.headers.get('x-mark')], [status, null], `${method} ${path}`);
  }
  server.reload({ 'pgrest.db_pre_request': '' });
  await until('no hook', async () => (await server.get('/rooms', hooked())).status === 200);
});

const shape = (status, headers = '') => server.post('/rpc/shape', { status, headers });

for (const [text, status] of [['202', 202], ['404abc', 404], ['0404', 404], ['299', 299], ['451', 451], ['', 200]])
  test(`response.status ${text || 'empty'}`, async () => {
    const answer = await shape(text);
    assert.deepEqual([answer.status, answer.body], [status, 'shaped']);
  });

for (const text of ['rubbish', '-404', ' 404', 'x404'])
  test(`response.status "${text}" is malformed`, async () => {
    const answer = await shape(text, 'nonsense'); // the status is looked at first
    assert.deepEqual([answer.status, answer.body.code], [500, 'PGRST112']);
  });

test('response.status: no body with 204; what is no status at all', async () => {
  const empty = await shape('204');
  assert.deepEqual([empty.status, empty.text], [204, '']);
  for (const text of ['0', '99', '4040', '99999999999999999999']) assert.equal((await shape(text)).status, 500, text);
  assert.equal((await shape('')).status, 200);
});

for (const text of ['{}', '["a: b"]', '[{"a": "b", "c": "d"}]', '[{}]', '[{"a": 1}]', '[{"a": null}]', 'null', 'a: b', '[{"a": "b"}', '[{"a": "b\\r\\nc: d"}]', '[{"a b": "c"}]', '[{"": "c"}]'])
  test(`response.headers ${text} is malformed`, async () => {
    const answer = await shape('', text);
    assert.deepEqual([answer.status, answer.body.code], [500, 'PGRST111']);
  });

test('response.headers add and replace', async () => {
  const answer = await shape('', '[{"X-Tide": "high"}, {"Set-Cookie": "a=1"}, {"set-cookie": "b=2"}, {"VARY": "Tide"}, {"content-type": "text/plain"}, {"X-Empty": ""}]');
  assert.equal(answer.headers.get('x-tide'), 'high');
  assert.equal(answer.headers.get('set-cookie'), 'a=1, b=2');
  assert.deepEqual([answer.headers.get('vary'), answer.headers.get('content-type'), answer.text], ['Tide', 'text/plain', '"shaped"']);
  assert.equal((await shape('', '[]')).status, 200);
});
