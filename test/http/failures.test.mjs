// Errors of 500 and above are in PostgreSQL's log, once, without what should not be in a log.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, token, until } from './server.mjs';

let server;
before(async () => {
  server = await Server.start({ log_line_prefix: '<%e> ', 'pgrest.workers': 1, 'pgrest.db_pool_acquisition_timeout': 1 });
  await server.sql(`
    create function api.fails(hidden text) returns text stable language plpgsql as $$
    begin
      raise no_data_found using message = E'nothing\\nthere', detail = 'some detail', hint = 'a hint';
    end $$;
    create view api.breaks as select n, 1 / (200000 - n) as v, repeat('x', 50) as filler from generate_series(1, 300000) n;
    grant select on api.breaks to anon, clerk`);
});
after(() => server?.drop());

const logged = (pattern) => server.log().split('\n').filter((line) => pattern.test(line));
const claims = { role: 'clerk', private: 'claim of the token' };

test('a failed request is one line with SQLSTATE, status, method, path and the whole error', async () => {
  const answer = await server.get('/rpc/fails?hidden=value-in-the-query', { claims, headers: { 'X-Hidden': 'value-in-a-header' } });
  assert.equal(answer.status, 500);
  const lines = logged(/rpc\/fails/);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /^<P0002> LOG: /);
  const [, what, error] = lines[0].match(/pgrest: (.*?): (\{.*\})$/);
  assert.equal(what, 'GET /rpc/fails answered with 500');
  assert.deepEqual(JSON.parse(error), { code: 'P0002', message: 'nothing\nthere', details: 'some detail', hint: 'a hint' });
});

test('neither query values nor headers nor tokens nor statements are logged', async () => {
  const sent = token(claims);
  await server.get('/rpc/fails?hidden=value-in-the-query', { headers: { Authorization: `Bearer ${sent}`, 'X-Hidden': 'value-in-a-header' } });
  for (const secret of ['value-in-the-query', 'value-in-a-header', 'claim of the token', sent, 'Bearer', 'STATEMENT', 'CONTEXT'])
    assert.ok(!server.log().includes(secret), secret);
});

test('client_error_verbosity does not shorten the log', async () => {
  const before = logged(/some detail/).length;
  server.reload({ 'pgrest.client_error_verbosity': 'minimal' });
  await until('short errors', async () => (await server.get('/nothing')).body.hint === undefined);
  assert.deepEqual((await server.get('/rpc/fails?hidden=1')).body, { code: 'P0002', message: 'nothing\nthere' });
  assert.equal(logged(/some detail/).length, before + 1);
  server.reload({ 'pgrest.client_error_verbosity': 'verbose' });
});

test('with exit_on_error, which ends the executor, errors are what they are without it', async () => {
  await server.sql(`create function api.refuses(many int) returns text stable language plpgsql as $$
    begin raise check_violation using message = repeat('m', many), detail = repeat('é', many), hint = 'a hint'; end $$;
    create function api.raises() returns text stable language plpgsql as $$ begin
      raise sqlstate 'PGRST' using message = '{"code":"x","message":"y","details":"z","hint":"h"}', detail = '{"status":418,"headers":{"X-A":"b"}}'; end $$;
    alter role clerk set exit_on_error = on`);
  for (const [target, status] of [['/rpc/refuses?many=20', 400], ['/rpc/refuses?many=900', 400], ['/rpc/refuses?many=5000', 400], ['/rpc/raises', 418], ['/items?select=none', 400], ['/items?id=eq.x', 400]]) {
    const [plain, ended] = [await server.get(target), await server.get(target, { claims: { role: 'clerk' } })];
    assert.equal(plain.status, status, plain.text);
    assert.deepEqual([ended.status, ended.body, ended.headers.get('x-a')], [plain.status, plain.body, plain.headers.get('x-a')]);
    await server.ready();
  }
  await server.sql('alter role clerk reset exit_on_error');
});

test('errors below 500 are not logged', async () => {
  assert.equal((await server.get('/nothing-of-that-name')).status, 404);
  assert.equal((await server.get('/items?id=eq.nonsense-value')).status, 400);
  assert.deepEqual(logged(/nothing-of-that-name|nonsense-value|\/items/), []);
});

test('bytes of a path that could confuse a reader of the log are encoded', async () => {
  await server.sql(`create function api."fäils"() returns text stable language plpgsql as $$
    begin raise no_data_found; end $$`);
  const connection = server.connect();
  connection.write(Buffer.from('GET /rpc/fäils HTTP/1.1\r\nHost: x\r\n\r\n').toString('latin1'));
  assert.equal((await connection.take())[0].status, 500);
  connection.end();
  assert.equal(logged(/GET \/rpc\/f%C3%A4ils answered with 500/).length, 1);
});

test('an answer that broke off half-way is logged', async () => {
  await assert.rejects(server.get('/breaks'));
  const lines = logged(/GET \/breaks/);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /^<22012> LOG: .*the answer to GET \/breaks was broken off: division by zero/);
});

test('a read that was cancelled because its client left is not logged', async () => {
  const connection = server.connect();
  connection.write('GET /rpc/nap?seconds=30 HTTP/1.1\r\nHost: x\r\n\r\n');
  const running = async () => (await server.sql(`select count(*) from pg_stat_activity where state = 'active' and query like '%nap%' and pid <> pg_backend_pid()`)) !== '0';
  await until('the query to run', running);
  connection.end();
  await until('the query to be cancelled', async () => !(await running()));
  assert.equal((await server.get('/items?id=eq.1')).status, 200);
  assert.deepEqual(logged(/nap/), []);
});

test('of the errors that come in crowds, one is logged', async () => {
  const busy = server.post('/rpc/sleep', { seconds: 2.5 });
  await until('the executor to be busy', async () => (await server.sql(`select count(*) from pg_stat_activity where state = 'active' and query like '%sleep%' and pid <> pg_backend_pid()`)) !== '0');
  const answers = await Promise.all([1, 2, 3].map((n) => server.get(`/items?id=eq.${n}`)));
  assert.deepEqual(answers.map((answer) => answer.body.code), ['PGRST003', 'PGRST003', 'PGRST003']);
  assert.equal((await busy).body, 'slept');
  assert.equal(logged(/GET \/items answered with 504: .*PGRST003/).length, 1);
});
