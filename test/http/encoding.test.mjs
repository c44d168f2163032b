// Databases of other encodings than UTF8: a client sees no difference, and what the encoding cannot hold is refused.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { SECRET, Server, token, until } from './server.mjs';

// word: of letters that the encoding has; twin: another one that the word turns into when its bytes are taken for
// text of the wrong encoding (or just another word); lacking: a letter that the encoding has not.
const ENCODINGS = {
  UTF8: { word: 'é日', twin: 'Ã©', lacking: null },
  LATIN1: { word: 'éü', twin: 'Ã©Ã¼', lacking: '日' },
  LATIN9: { word: 'Œž', twin: 'Åé', lacking: '日' },
  WIN1252: { word: 'Žé', twin: 'Å½Ã©', lacking: '日' },
  KOI8R: { word: 'жя', twin: 'ц', lacking: 'é' },
  EUC_JP: { word: '日本é', twin: '語', lacking: '한' },
  EUC_KR: { word: '한국', twin: '語', lacking: 'é' },
};

const quoted = (name) => `"${name}"`;
const enc = encodeURIComponent;

const schema = (w, t) => `
  create role authenticator login noinherit;
  create role anon;
  create role ${quoted(`clerk_${w}`)};
  grant anon, ${quoted(`clerk_${w}`)} to authenticator;
  create schema ${quoted(w)};
  grant usage on schema ${quoted(w)} to anon, ${quoted(`clerk_${w}`)};
  set search_path = ${quoted(w)};
  create type ${quoted(`kind_${w}`)} as enum ('${w}', '${t}');
  create table ${quoted(`towns_${w}`)} (${quoted(`id_${w}`)} int primary key, ${quoted(`name_${w}`)} text default '${w}',
    ${quoted(`doc_${w}`)} jsonb, ${quoted(`kind_${w}`)} ${quoted(`kind_${w}`)}, constraint ${quoted(`check_${w}`)} check (${quoted(`name_${w}`)} <> 'bad ${w}'));
  create table ${quoted(`streets_${w}`)} (${quoted(`id_${w}`)} int primary key, ${quoted(`town_${w}`)} int
    constraint ${quoted(`fk_${w}`)} references ${quoted(`towns_${w}`)});
  create view ${quoted(`view_${w}`)} as select * from ${quoted(`towns_${w}`)};
  insert into ${quoted(`towns_${w}`)} values (1, '${w}', '{"${w}": {"in": "${t}"}}', '${w}'), (2, '${t}', null, '${t}');
  insert into ${quoted(`streets_${w}`)} values (1, 1), (2, 2);
  create table mine (owner text, secret text);
  insert into mine values ('${w}', 'of the word'), ('${t}', 'of the twin');
  alter table mine enable row level security;
  create policy own on mine using (owner = current_setting('request.jwt.claim.sub', true));
  create policy own_json on mine as restrictive using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');
  create function ${quoted(`double_${w}`)}(${quoted(`arg_${w}`)} text) returns text stable language sql as 'select $1 || $1';
  create function value(query text) returns text language plpgsql as $$
  declare result text; begin execute query into result; return result; end $$;
  create function ${quoted(`towns_by_${w}`)}() returns setof ${quoted(`towns_${w}`)} stable language sql as $$ select * from ${quoted(w)}.${quoted(`towns_${w}`)} $$;
  create function ${quoted(`hoisted_${w}`)}() returns text language sql set ${quoted(`app.${w}`)} = '${w}' as $$ select current_setting('app.${w}') $$;
  create function ${quoted(`check_${w}`)}() returns void language plpgsql as $$
  begin
    if current_setting('request.headers')::json ->> 'x-fail' = '${w}' then
      raise exception 'message ${w}' using detail = 'detail ${w}', hint = 'hint ${w}';
    end if;
  end $$;
  create function bytes(bytea) returns text language sql as $$ select encode($1, 'hex') $$;
  create function plain(text) returns text language sql as $$ select $1 || '${w}' $$;
  alter role ${quoted(`clerk_${w}`)} set application_name = 'x';
  grant all on all tables in schema ${quoted(w)} to anon, ${quoted(`clerk_${w}`)};
`;

for (const [encoding, { word: w, twin: t, lacking }] of Object.entries(ENCODINGS)) {
  describe(encoding, () => {
    let server;
    before(async () => {
      server = await Server.start({ 'pgrest.workers': 2, 'pgrest.db_schemas': `${w},empty_${w}`, 'pgrest.db_anon_role': 'anon',
        'pgrest.db_pre_request': `${w}.check_${w}`, 'pgrest.db_aggregates_enabled': 'on', 'pgrest.db_plan_enabled': 'on',
        'pgrest.db_hoisted_tx_settings': `app.${w}`, 'pgrest.stream_threshold': '64kB' },
      schema(w, t) + `create schema ${quoted(`empty_${w}`)};`, encoding);
    });
    after(() => server?.drop());

    const towns = `/towns_${enc(w)}`;
    const column = (name) => enc(`${name}_${w}`);
    const url = (path) => encodeURI(path);
    const rows = (answer) => {
      assert.ok(answer.status < 300, answer.text);
      return answer.body;
    };

    test('names of tables, columns, aliases, keys of JSON, casts, filters and order', async () => {
      assert.deepEqual(rows(await server.get(`${towns}?order=${column('id')}`)).map((row) => row[`name_${w}`]), [w, t]);
      assert.deepEqual(rows(await server.get(url(`/towns_${w}?select=id_${w},other_${w}:name_${w}&name_${w}=eq.${w}`))), [{ [`id_${w}`]: 1, [`other_${w}`]: w }]);
      assert.deepEqual(rows(await server.get(url(`/towns_${w}?select=doc_${w}->${w},x:doc_${w}->${w}->>in&doc_${w}->${w}->>in=eq.${t}`))), [{ [w]: { in: t }, x: t }]);
      assert.deepEqual(rows(await server.get(url(`/towns_${w}?select=${w}:id_${w}::text&order=name_${w}.desc&id_${w}=eq.1`))), [{ [w]: '1' }]);
      assert.deepEqual(rows(await server.get(url(`/towns_${w}?select=id_${w}&or=(name_${w}.eq.${t},name_${w}.eq.x)`))), [{ [`id_${w}`]: 2 }]);
      assert.deepEqual(rows(await server.get(url(`/towns_${w}?select=kind_${w},count()&kind_${w}=eq.${w}`))), [{ [`kind_${w}`]: w, count: 1 }]);
      assert.deepEqual(rows(await server.get(url(`/view_${w}?select=id_${w}&id_${w}=eq.1`))), [{ [`id_${w}`]: 1 }]);
    });

    test('embedded resources, by table, column and constraint', async () => {
      for (const by of [`towns_${w}`, `towns_${w}!fk_${w}`, `towns_${w}!town_${w}`, `view_${w}`])
        assert.deepEqual(rows(await server.get(url(`/streets_${w}?select=id_${w},${w}:${by}(name_${w})&id_${w}=eq.1`))), [{ [`id_${w}`]: 1, [w]: { [`name_${w}`]: w } }]);
      assert.deepEqual(rows(await server.get(url(`/towns_${w}?select=streets_${w}(id_${w})&id_${w}=eq.1`))), [{ [`streets_${w}`]: [{ [`id_${w}`]: 1 }] }]);
      const unknown = await server.get(url(`/towns_${w}?select=nothing_${w}(*)`));
      assert.equal(unknown.body.code, 'PGRST200', unknown.text);
      assert.ok(unknown.text.includes(`nothing_${w}`));
    });

    test('writes: bodies, columns=, on_conflict, Location, CSV both ways', async () => {
      const made = await server.post(url(`/towns_${w}?columns=id_${w},name_${w}&on_conflict=id_${w}`), [{ [`id_${w}`]: 7, [`name_${w}`]: `7${w}` }], { headers: { Prefer: 'return=headers-only' } });
      assert.equal(made.status, 201, made.text);
      assert.equal(decodeURIComponent(made.headers.get('location').replace(/^.*\?/, '')), `id_${w}=eq.7`);
      const csv = await server.send('POST', towns, { body: `id_${w},name_${w}\n8,8${w}`, headers: { 'Content-Type': 'text/csv', Accept: 'text/csv', Prefer: 'return=representation' } });
      assert.equal(csv.text, `id_${w},name_${w},doc_${w},kind_${w}\n8,8${w},,`);
      const none = await server.send('POST', url(`/towns_${w}?select=id_${w}`), { body: [], headers: { Accept: 'text/csv' } });
      assert.ok(none.status < 300, none.text);
      const upper = await server.send('PATCH', url(`/towns_${w}?id_${w}=eq.8&select=name_${w}`), { body: { [`name_${w}`]: `neu ${w}` }, headers: { Prefer: 'return=representation' } });
      assert.deepEqual(rows(upper), [{ [`name_${w}`]: `neu ${w}` }]);
      const put = await server.send('PUT', url(`/towns_${w}?id_${w}=eq.9`), { body: { [`id_${w}`]: 9 }, headers: { Prefer: 'return=representation,missing=default' } });
      assert.equal(rows(put)[0][`name_${w}`], w);
      assert.equal((await server.send('DELETE', url(`/towns_${w}?id_${w}=in.(7,8,9)`))).status, 204);
      const list = await server.get(url(`/towns_${w}?select=id_${w},name_${w}&id_${w}=eq.1`), { headers: { Accept: 'text/csv' } });
      assert.equal(list.text, `id_${w},name_${w}\n1,${w}`);
    });

    test('escapes of JSON, long texts, bodies that are no JSON', async () => {
      const escape = (text) => text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
      const returned = (body, headers = {}) => server.send('POST', `${towns}?select=${column('name')}`, { body, headers: { 'Content-Type': 'application/json', Prefer: 'return=representation,tx=rollback', ...headers } });
      assert.equal(rows(await returned(escape(`{"id_${w}": 30, "name_${w}": "${w}"}`)))[0][`name_${w}`], w);
      // pieces of a conversion end within no character
      for (const before of ['', 'a', 'ab']) {
        const long = before + w.repeat(20000);
        assert.equal(rows(await returned(JSON.stringify({ [`id_${w}`]: 31 + before.length, [`name_${w}`]: long })))[0][`name_${w}`], long);
      }
      const stream = rows(await server.get(url(`/towns_${w}?select=name_${w}&order=id_${w}`)));
      assert.equal(stream.length, 6);
      assert.equal(stream[5][`name_${w}`], 'ab' + w.repeat(20000));
      await server.send('DELETE', url(`/towns_${w}?id_${w}=gte.30`));
      const body = Buffer.from(`${w}\xff`);
      assert.equal(rows(await server.send('POST', '/rpc/bytes', { body, headers: { 'Content-Type': 'application/octet-stream' } })), body.toString('hex'));
      assert.equal(rows(await server.send('POST', '/rpc/plain', { body: w, headers: { 'Content-Type': 'text/plain' } })), w + w);
      const form = await server.send('POST', `${towns}?select=${column('name')}`, { body: `id_${w}=40&name_${w}=${enc(w)}`, headers: { 'Content-Type': 'application/x-www-form-urlencoded', Prefer: 'return=representation' } });
      assert.equal(rows(form)[0][`name_${w}`], w);
      await server.send('DELETE', url(`/towns_${w}?id_${w}=gte.30`));
      const plan = await server.get(url(`/towns_${w}?id_${w}=eq.1`), { headers: { Accept: 'application/vnd.pgrst.plan+text' } });
      assert.ok(plan.text.includes(`towns_${w}`), plan.text);
    });

    test('functions and arguments', async () => {
      assert.equal(rows(await server.get(url(`/rpc/double_${w}?arg_${w}=${w}`))), w + w);
      assert.equal(rows(await server.post(url(`/rpc/double_${w}`), { [`arg_${w}`]: w })), w + w);
      assert.equal(rows(await server.get(url(`/rpc/towns_by_${w}?id_${w}=eq.1&select=name_${w}`)))[0][`name_${w}`], w);
      assert.equal(rows(await server.post(url(`/rpc/hoisted_${w}`), {})), w);
      const wrong = await server.get(url(`/rpc/double_${w}?arg=1`));
      assert.equal(wrong.body.code, 'PGRST202');
      assert.ok(wrong.text.includes(`double_${w}`), wrong.text);
      assert.equal((await server.send('OPTIONS', url(`/rpc/towns_by_${w}`))).status, 200);
      assert.match((await server.send('OPTIONS', towns)).headers.get('allow'), /PUT/);
    });

    test('claims: a policy shows each user her own rows', async () => {
      const seen = async (sub) => rows(await server.get('/mine?select=secret', { claims: { role: `clerk_${w}`, sub } })).map((row) => row.secret);
      assert.deepEqual(await seen(w), ['of the word']);
      assert.deepEqual(await seen(t), ['of the twin']);
      const parts = token({ role: 'x' }).split('.');
      const escaped = [...w].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
      parts[1] = Buffer.from(`{"role":"clerk_${escaped}","sub":"${escaped}"}`).toString('base64url');
      parts[2] = createHmac('sha256', SECRET).update(`${parts[0]}.${parts[1]}`).digest('base64url');
      const answer = await server.get('/mine?select=secret', { headers: { Authorization: `Bearer ${parts.join('.')}` } });
      assert.deepEqual(rows(answer), [{ secret: 'of the word' }]);
    });

    test('what SQL sees of the request', async () => {
      const options = { claims: { role: `clerk_${w}`, [w]: `claim ${w}`, nested: { [w]: [w] } }, headers: { 'X-Word': Buffer.from(w).toString('latin1'), Cookie: Buffer.from(`a=${w}`).toString('latin1') } };
      const value = async (query) => rows(await server.post('/rpc/value', { query }, options));
      assert.equal(await value(`select current_setting('request.jwt.claim.${w}')`), `claim ${w}`);
      assert.equal(await value(`select current_setting('request.jwt.claims')::json -> 'nested' -> '${w}' ->> 0`), w);
      assert.equal(await value(`select current_setting('request.headers')::json ->> 'x-word'`), w);
      assert.equal(await value(`select current_setting('request.cookies')::json ->> 'a'`), w);
      assert.equal(await value(`select current_user`), `clerk_${w}`);
      assert.equal(await value(`select current_setting('role')`), `clerk_${w}`);
      assert.equal(await value(`select current_setting('search_path')`), `"${w}", "public"`);
      // raw bytes in the path are the path as it was sent
      const raw = server.connect();
      raw.write(Buffer.from(`GET /towns_${w}?select=id_${w}&id_${w}=eq.1 HTTP/1.1\r\nHost: x\r\n\r\n`).toString('latin1'));
      assert.deepEqual((await raw.take()).map((answer) => [answer.status, Buffer.from(answer.body, 'latin1').toString()]), [[200, `[{"id_${w}":1}]`]]);
      raw.end();
    });

    test('errors tell their texts', async () => {
      const failed = await server.get('/mine', { headers: { 'X-Fail': Buffer.from(w).toString('latin1') } });
      assert.deepEqual(failed.body, { code: 'P0001', message: `message ${w}`, details: `detail ${w}`, hint: `hint ${w}` });
      const unknown = await server.get(url(`/towns_${w}?select=nothing_${w}`));
      assert.equal(unknown.body.code, '42703');
      assert.ok(unknown.body.message.includes(`nothing_${w}`), unknown.text);
      const check = await server.post(towns, { [`id_${w}`]: 5, [`name_${w}`]: `bad ${w}` });
      assert.ok(check.body.message.includes(`check_${w}`) && check.body.details.includes(`bad ${w}`), check.text);
      const missing = await server.get(url(`/towms_${w}`));
      assert.equal(missing.body.code, 'PGRST205');
      assert.ok(missing.body.hint.includes(`${w}.towns_${w}`), missing.text);
      const raised = await server.post('/rpc/value', { query: `select pg_catalog.current_setting('x')` });
      assert.equal(raised.body.code, '42704');
      await server.sql(`create or replace function "${w}".pgrst() returns void language plpgsql as $$ begin raise sqlstate 'PGRST' using
        message = '{"code": "C1", "message": "m ${w}", "details": "d ${w}", "hint": "h ${w}"}', detail = '{"status": 418, "headers": {"X-Word": "${w}"}}'; end $$;
        create or replace function "${w}".pt() returns void language plpgsql as $$ begin raise sqlstate 'PT418' using message = 'm ${w}', hint = 'h ${w}'; end $$`);
      const own = await server.post('/rpc/pgrst', {});
      assert.deepEqual([own.status, own.body, Buffer.from(own.headers.get('x-word'), 'latin1').toString()], [418, { code: 'C1', message: `m ${w}`, details: `d ${w}`, hint: `h ${w}` }, w]);
      const pt = await server.post('/rpc/pt', {});
      assert.deepEqual([pt.status, pt.body.message, pt.body.hint], [418, `m ${w}`, `h ${w}`]);
    });

    test('response.headers and response.status', async () => {
      const query = `select set_config('response.headers', '[{"X-Word": "${w}"}]', true) || set_config('response.status', '201', true)`;
      const answer = await server.post('/rpc/value', { query });
      assert.equal(answer.status, 201, answer.text);
      assert.equal(Buffer.from(answer.headers.get('x-word'), 'latin1').toString(), w);
    });

    test('schemas by name, and the search path', async () => {
      const answer = await server.get(towns, { headers: { 'Accept-Profile': Buffer.from(w).toString('latin1') } });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(Buffer.from(answer.headers.get('content-profile'), 'latin1').toString(), w);
      const other = await server.get(towns, { headers: { 'Accept-Profile': Buffer.from(`empty_${w}`).toString('latin1') } });
      assert.equal(other.body.code, 'PGRST205');
      const wrong = await server.get(towns, { headers: { 'Accept-Profile': 'x' } });
      assert.ok(wrong.body.hint.includes(`${w}, empty_${w}`), wrong.text);
    });

    test('the server log is text of the database', async () => {
      await server.sql(`create or replace function "${w}".fails() returns void language plpgsql as $$ begin raise sqlstate 'PT500' using message = 'failed ${w}'; end $$`);
      await server.post('/rpc/fails', {});
      const bytes = Buffer.from(await server.sql(`select encode(convert_to('failed ${w}', '${encoding}'), 'hex')`), 'hex');
      assert.ok(readFileSync(`${server.dir}/log`).includes(bytes));
    });

    test('names of the longest length, which is that of their bytes in the database', async () => {
      const letter = [...w].find((c) => c > '\x7f');
      const bytes = Number(await server.sql(`select octet_length(convert_to('${letter}', '${encoding}'))`));
      const long = letter.repeat(Math.floor(63 / bytes)) + 'x'.repeat(63 % bytes);
      await server.sql(`create table "${w}"."${long}" ("${long}" int); insert into "${w}"."${long}" values (1);
        create function "${w}"."f${long.slice(1)}"("${long}" int) returns int stable language sql as 'select $1'; grant all on "${w}"."${long}" to anon`);
      assert.deepEqual(rows(await server.get(url(`/${long}?select=${long}&${long}=eq.1&order=${long}`))), [{ [long]: 1 }]);
      assert.equal(rows(await server.get(url(`/rpc/f${long.slice(1)}?${long}=7`))), 7);
      // cut by PostgreSQL they would be those above
      const longer = long + 'x';
      assert.equal((await server.get(url(`/${longer}`))).body.code, 'PGRST205');
      assert.equal((await server.get(url(`/rpc/f${longer.slice(1)}?${long}=7`))).body.code, 'PGRST202');
      assert.equal((await server.get(url(`/rpc/f${long.slice(1)}?${longer}=7`))).body.code, 'PGRST202');
      for (const query of [`select=${longer}`, `${longer}=eq.1`, `order=${longer}`, `select=a:${longer}::text`, `select=${longer}->a`]) {
        const answer = await server.get(url(`/${long}?${query}`));
        assert.deepEqual([answer.status, answer.body.code], [400, '42703'], `${query} ${answer.text}`);
        assert.ok(answer.body.message.includes(longer), answer.text);
      }
      const alias = await server.get(url(`/${long}?select=${longer}:${long}`));
      assert.deepEqual(rows(alias), [{ [long]: 1 }]);
    });

    test('what the encoding lacks is refused, and never another name', { skip: lacking === null }, async () => {
      const refused = (answer, status = 400) => {
        assert.equal(answer.status, status, answer.text);
        assert.equal(answer.body.code, '22P05', answer.text);
        if (status === 401) assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      };
      refused(await server.get(url(`/${lacking}`)));
      refused(await server.get(url(`/rpc/${lacking}`)));
      refused(await server.get(url(`/towns_${w}?select=${lacking}`)));
      refused(await server.get(url(`/towns_${w}?select=${lacking}:id_${w}`)));
      refused(await server.get(url(`/towns_${w}?name_${w}=eq.${lacking}`)));
      refused(await server.get(url(`/towns_${w}?${lacking}=eq.1`)));
      refused(await server.get(url(`/towns_${w}?order=${lacking}`)));
      refused(await server.get(url(`/towns_${w}?select=doc_${w}->${lacking}`)));
      refused(await server.post(towns, { [`id_${w}`]: 20, [`name_${w}`]: lacking }));
      refused(await server.get(url(`/towns_${w}?select=id_${w}`), { headers: { 'X-Word': Buffer.from(lacking).toString('latin1') } }));
      refused(await server.get('/mine', { claims: { role: `clerk_${w}`, sub: lacking } }), 401);
      refused(await server.get('/mine', { claims: { role: `clerk_${w}`, [lacking]: 1 } }), 401);
      refused(await server.get('/mine', { claims: { role: lacking } }), 401);
      for (const answer of [
        await server.post(towns, { [`id_${w}`]: 20, [lacking]: 1 }),
        await server.get(url(`/towns_${w}?select=${lacking}(*)`)),
        await server.get(url(`/rpc/double_${w}?${lacking}=1`)),
        await server.get(towns, { headers: { 'Accept-Profile': Buffer.from(lacking).toString('latin1') } }),
      ]) {
        assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
        assert.ok(answer.text.includes(lacking), answer.text);
      }
    });

    test('bytes that are no UTF-8', async () => {
      const send = async (head) => {
        const raw = server.connect();
        raw.write(head);
        const [answer] = await raw.take();
        raw.end();
        return answer;
      };
      const get = (target, fields = '') => send(`GET ${target} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
      assert.equal((await get('/mine\xff')).status, 404);
      assert.equal((await get('/mine%FF')).status, 404);
      assert.equal((await get('/rpc/value%FF?query=x')).status, 404);
      assert.equal((await get('/mine?select=%FF')).status, 400);
      assert.equal((await get('/mine', 'Accept-Profile: \xff\r\n')).status, 406);
      const odd = await get('/mine', 'X-Odd: \xff\r\n');
      assert.equal(odd.status, lacking === null ? 200 : 400, odd.body);
      assert.ok((await get('/mine', 'Prefer: timezone=\xff\r\n')).status < 500);
      const parts = token({ role: 'anon', sub: 'x' }).split('.');
      parts[1] = Buffer.from('{"role":"anon","sub":"\xff"}', 'latin1').toString('base64url');
      assert.equal((await get('/mine', `Authorization: Bearer ${parts.join('.')}\r\n`)).status, 401);
    });
  });
}

// Two ways in which bytes of EUC_JP are lost on the way through Unicode: 0xA2AF has no character there, and 0xADF0 has
// one that comes back as 0xA2E2.
describe('what has no way to UTF-8 and back', () => {
  let server;
  before(async () => {
    server = await Server.start({ 'pgrest.workers': 1 }, `
      create role authenticator login noinherit;
      create role anon;
      grant anon to authenticator;
      create schema api;
      grant usage on schema api to anon;
      create table api.plain (id int primary key);
      insert into api.plain values (1);
      do $$
      declare lost text := convert_from('\\xa2af', 'EUC_JP'); changed text := convert_from('\\xadf0', 'EUC_JP');
      begin
        execute format('create table api.%I (id int primary key, %I text default %L, plain int references api.plain)', 'a' || lost, 'b' || lost, lost);
        execute format('create table api.%I (id int primary key, %I text default %L, plain int references api.plain)', 'a' || changed, 'b' || changed, changed);
        execute format('create table api.columns (id int primary key, %I text default %L, ok text default %L, plain int constraint %I references api.plain)', 'b' || lost, 'x', lost, 'c' || lost);
        execute format('create view api.shown as select * from api.%I', 'a' || changed);
        execute format('create function api.%I(%I int) returns int language sql as %L', 'f' || lost, 'g' || lost, 'select 1');
        execute format('create function api.fails() returns int language plpgsql as %L', 'begin raise exception ''failed ' || lost || '''; end');
        execute format('create function api.heads() returns text language sql as %L', 'select set_config(''response.headers'', ''[{"A": "' || lost || '"}]'', true)');
      end $$;
      grant all on all tables in schema api to anon`, 'EUC_JP');
  });
  after(() => server?.drop());

  test('names cannot be asked for, and harm nobody else', async () => {
    for (const [path, wanted] of [
      ['/plain', [{ id: 1 }]],
      ['/columns?select=id', []],
      ['/columns?select=id,plain(id)', []],
      ['/plain?select=id,columns(id)', [{ id: 1, columns: [] }]],
      ['/shown?select=id', []],
    ]) {
      const answer = await server.get(path);
      assert.deepEqual(answer.body, wanted, answer.text);
    }
    // the character that 0xADF0 is, is another name: 0xA2E2
    for (const name of ['a≒', 'a', 'a\\xa2\\xaf', 'a\ufffd', '\ufffda\\xa2\\xaf'])
      assert.ok([400, 404].includes((await server.get(`/${encodeURIComponent(name)}`)).status), name);
    assert.equal((await server.get(`/shown?select=${encodeURIComponent('b≒')}`)).status, 400);
    assert.equal((await server.get('/rpc/f')).status, 404);
  });

  test('values are refused, in errors they are shown by their bytes', async () => {
    const written = await server.post('/columns?columns=id', { id: 1 }, { headers: { Prefer: 'return=minimal' } });
    assert.equal(written.status, 201, written.text);
    assert.deepEqual((await server.get('/columns?select=id')).body, [{ id: 1 }]);
    assert.equal((await server.get('/columns?select=ok')).body.code, '22P05');
    assert.equal((await server.get('/columns?select=*')).body.code, '22P05');
    assert.equal((await server.post('/rpc/fails', {})).body.message, 'failed \\xa2\\xaf');
    assert.equal((await server.post('/rpc/heads', {})).body.code, '22P05');
    assert.equal((await server.get('/plain')).status, 200);
  });
});

describe('settings', () => {
  let server;
  before(async () => {
    server = await Server.start({ 'pgrest.workers': 1, 'pgrest.db_schemas': 'été' }, `
      create role authenticator login noinherit;
      create role anon;
      grant anon to authenticator;
      create schema "été";
      create schema "Ã©tÃ©";
      create schema "hiver é";
      create schema conf;
      grant usage on schema "été", "Ã©tÃ©", "hiver é" to anon;
      grant usage on schema conf to authenticator;
      create table "été".t as select 'été' as schema;
      create table "Ã©tÃ©".t as select 'twin' as schema;
      create table "hiver é".t as select 'hiver é' as schema;
      grant select on all tables in schema "été", "Ã©tÃ©", "hiver é" to anon;
      create function conf."é"() returns void language sql as $$ select set_config('pgrst.db_schemas', 'hiver é', true) $$;
      create function conf.fails() returns void language plpgsql as $$ begin raise exception 'ça échoue'; end $$`, 'LATIN1');
    await server.sql('create extension pgrest');
  });
  after(() => server?.drop());
  const schema = async () => (await server.get('/t')).body[0]?.schema;
  const becomes = (wanted) => until(wanted, async () => (await schema()) === wanted);
  const position = () => readFileSync(`${server.dir}/log`).length;
  const logged = (text, from) => until(`the log to say ${text}`, () => readFileSync(`${server.dir}/log`).subarray(from).includes(text));

  test('the file is UTF-8 whatever the database is', async () => {
    assert.equal(await schema(), 'été');
    server.reload({ 'pgrest.db_schemas': 'Ã©tÃ©' });
    await becomes('twin');
    assert.equal(await server.sql('select schemas from pgrest.check_settings()'), 'Ã©tÃ©');
    assert.doesNotMatch(await server.sql('select * from pgrest.check()'), /does not exist/);
  });

  test('a schema that the encoding cannot hold does not exist', async () => {
    const from = position();
    server.reload({ 'pgrest.db_schemas': '日本' });
    await until('503', async () => (await server.get('/t')).status === 503);
    await logged('schema "\\xe6\\x97\\xa5\\xe6\\x9c\\xac" of pgrest.db_schemas does not exist', from);
    server.reload({ 'pgrest.db_schemas': 'été' });
    await becomes('été');
  });

  test('settings in the database are in its encoding', async () => {
    server.reload({ 'pgrest.db_pre_config': 'conf.é' });
    await becomes('hiver é');
    await server.sql(`alter role authenticator in database app set pgrst.db_schemas = 'Ã©tÃ©'`);
    server.reload();
    await becomes('twin');
    await server.sql(`alter role authenticator in database app reset pgrst.db_schemas`);
    const from = position();
    server.reload({ 'pgrest.db_pre_config': 'conf.fails' });
    await logged('ça échoue', from);
    server.reload({ 'pgrest.db_pre_config': '' });
    await becomes('été');
  });

  test('bytes that are no UTF-8 are refused', async () => {
    const from = position();
    const others = Object.entries(server.settings).filter(([name]) => name !== 'pgrest.db_schemas');
    const text = others.map(([name, value]) => `${name} = '${value}'\n`).join('');
    server.cluster('configure', { input: Buffer.from(`${text}pgrest.db_schemas = '\xe9t\xe9'\n`, 'latin1') });
    server.cluster('reload');
    await logged('invalid value for parameter "pgrest.db_schemas"', from);
    assert.equal(await schema(), 'été');
    server.cluster('stop');
    server.cluster('start');
    await until('503', async () => (await server.get('/t').catch(() => ({}))).status === 503);
    await logged('UTF-8', from);
    await server.restart();
    await server.ready();
    assert.equal(await schema(), 'été');
  });
});

test('an encoding that has no conversion is refused by name', async () => {
  const server = await Server.create({});
  try {
    server.cluster('start');
    server.cluster('psql', '-c', 'create role authenticator login');
    server.cluster('psql', '-c', `create database app template template0 encoding 'MULE_INTERNAL' locale 'C'`);
    server.cluster('stop');
    server.configure();
    server.cluster('start');
    await until('the log to say it', () => /no conversion between the encodings "MULE_INTERNAL" and "UTF8"/.test(server.log()));
    assert.equal((await server.get('/x')).status, 503);
  } finally {
    server.drop();
  }
});
