// Databases of other encodings than UTF8: a client sees no difference, and what the encoding cannot hold is refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Server, token, until } from './server.mjs';

// word: of letters that the encoding has; twin: another one that the word turns into when its bytes are taken for
// text of the wrong encoding (or just another word); lacking: a letter that the encoding has not.
const ENCODINGS = {
  UTF8: { word: 'é日', twin: 'Ã©', lacking: null },
  LATIN1: { word: 'éü', twin: 'Ã©Ã¼', lacking: '日' },
  LATIN2: { word: 'čž', twin: 'Ä', lacking: 'é日' },
  LATIN9: { word: 'Œž', twin: 'Åé', lacking: '日' },
  WIN1252: { word: 'Žé', twin: 'Å½Ã©', lacking: '日' },
  WIN1251: { word: 'жя', twin: 'Р¶', lacking: 'é' },
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
  create function check_request() returns void language plpgsql as $$
  begin
    if current_setting('request.headers')::json ->> 'x-fail' = '${w}' then
      raise exception 'message ${w}' using detail = 'detail ${w}', hint = 'hint ${w}';
    end if;
  end $$;
  alter role ${quoted(`clerk_${w}`)} set application_name = 'x';
  grant all on all tables in schema ${quoted(w)} to anon, ${quoted(`clerk_${w}`)};
`;

for (const [encoding, { word: w, twin: t, lacking }] of Object.entries(ENCODINGS)) {
  describe(encoding, () => {
    let server;
    before(async () => {
      server = await Server.start({ 'pgrest.workers': 2, 'pgrest.db_schemas': `${w},empty_${w}`, 'pgrest.db_anon_role': 'anon',
        'pgrest.db_pre_request': 'check_request', 'pgrest.db_aggregates_enabled': 'on', 'pgrest.db_plan_enabled': 'on',
        'pgrest.db_hoisted_tx_settings': `app.${w}` },
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

    test('long names', async () => {
      const long = [...w][0].repeat(encoding === 'UTF8' ? 20 : /^EUC/.test(encoding) ? 31 : 63);
      await server.sql(`create table "${w}"."${long}" (id int); grant all on "${w}"."${long}" to anon`);
      assert.deepEqual(rows(await server.get(url(`/${long}`))), []);
      assert.equal((await server.get(url(`/${long}${[...w][0]}`))).body.code, 'PGRST205');
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
