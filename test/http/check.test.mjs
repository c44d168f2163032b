// pgrest.check(): each finding is made, seen, mended as it advises, and gone.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { page } from './document.mjs';
import { Server, until } from './server.mjs';

const SETUP = `
create extension pgrest;
create role authenticator login noinherit;
create role anon;
create role clerk;
create role keeper;
create role boss superuser;
create role watcher;
grant pg_monitor to watcher;
grant anon, clerk to authenticator;
create schema api authorization keeper;
create schema hooks authorization keeper;
create schema inner_part authorization keeper;
grant usage on schema api to anon, clerk;
grant usage on schema hooks to public;

set role keeper;
create table api.boats (id int primary key, name text, owner text);
alter table api.boats enable row level security;
create policy everybody on api.boats for select using (true);
create policy own on api.boats to clerk using (owner = current_setting('request.jwt.claim.email', true));
grant select on api.boats to anon;
grant select, insert, update, delete on api.boats to clerk;
create view api.names with (security_invoker) as select name from api.boats;
grant select on api.names to anon;
create function api.harbour() returns text language sql stable as $$ select 'Kiel' $$;
create function api.moor() returns void language sql security definer set search_path = pg_catalog, pg_temp as '';
revoke execute on function api.moor() from public;
grant execute on function api.moor() to clerk;
create function hooks.check_user() returns void language sql set search_path = pg_catalog, pg_temp as '';
reset role;

create database other;
\\connect other
create extension pgrest;
`;

const directory = `/tmp/pgrest-check-${randomBytes(6).toString('hex')}`;
const file = `${directory}/jwt.secret`;
const secret = randomBytes(32).toString('hex');
// What the command does not read is read all the same: PostgreSQL could not write it otherwise.
const shell = (command) => `copy (select '${secret}') to program '${command} && cat >/dev/null';\n`;

let server;
before(async () => {
  server = await Server.start({ 'pgrest.db_pre_request': 'hooks.check_user', 'pgrest.jwt_secret': secret }, SETUP);
  psql(shell(`mkdir -m 755 ${directory} && cat >${file} && chmod 600 ${file}`));
  server.reload({ 'pgrest.jwt_secret': `@${file}` });
});
after(() => {
  server?.drop();
  rmSync(directory, { recursive: true, force: true });
});

const psql = (input, database = 'app') => server.cluster('psql', { input }, '-d', database, '-At');

const LIST = "select severity || ': ' || what || ': ' || object from pgrest.check();\n";
const findings = () => psql(LIST).trim();

// Every "what" that a test has seen, to be compared with the documentation.
const seen = new Set();
function expect(text, expected, when) {
  assert.equal(text.trim(), expected, when);
  for (const line of expected.split('\n')) if (line) seen.add(line.split(': ').slice(0, 2).join(': '));
}

// make, see, mend, and nothing is left
function sql(make, expected, mend) {
  test(expected.split('\n')[0] || `nothing to find: ${make}`, () => {
    const [made, mended] = psql(`${make};\n${LIST}\\echo ---\n${mend};\n${LIST}`).split('---\n');
    expect(made, expected, make);
    assert.equal(mended, '', mend);
  });
}

function settings(changed, expected) {
  test(expected.split('\n')[0], () => {
    const before = server.settings;
    try {
      server.reload(changed);
      expect(findings(), expected, JSON.stringify(changed));
    } finally {
      server.settings = before;
      server.reload();
    }
    assert.equal(findings(), '');
  });
}

test('there is nothing to find where everything is as it should be', () => {
  assert.equal(findings(), '');
});

// ---------------------------------------------------------------- settings
settings(
  { 'pgrest.jwt_secret': '@/no/such/file' },
  'critical: nothing is served with these settings: The settings cannot be served: pgrest.jwt_secret: ' +
    'could not open the file "/no/such/file": No such file or directory',
);
settings({ 'pgrest.db_schemas': 'api, nowhere' }, 'critical: an exposed schema does not exist: nowhere');
settings({ 'pgrest.lock_role': 'off' }, 'warning: requests may leave their role: pgrest.lock_role');
settings(
  { 'pgrest.jwt_secret': 'a secret of 31 bytes, too short' },
  'warning: the secret is shorter than 32 bytes: 31 bytes\n' +
    'warning: the secret stands in the configuration: pgrest.jwt_secret',
);
settings(
  { 'pgrest.jwt_secret': '{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"},{"kty":"oct","k":"AAAA"}]}' },
  'warning: the secret is shorter than 32 bytes: 3 bytes\n' +
    'warning: the secret stands in the configuration: pgrest.jwt_secret',
);
test('public keys are no secret', () => {
  server.reload({ 'pgrest.jwt_secret': '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}' });
  assert.equal(findings(), '');
  server.reload({ 'pgrest.jwt_secret': `@${file}` });
});
settings(
  { 'pgrest.db_pre_request': 'hooks.nobody' },
  'critical: the pre-request function does not exist: hooks.nobody',
);
settings({ 'pgrest.db_anon_role': 'authenticator' }, 'critical: the anonymous role is the authenticator: authenticator');
settings({ 'pgrest.db_anon_role': 'nobody' }, 'critical: the anonymous role does not exist: nobody');
settings({ 'pgrest.authenticator': 'nobody' }, 'critical: the authenticator does not exist: nobody');
test('without an anonymous role and a pre-request function there is less to find', () => {
  const before = { 'pgrest.db_anon_role': 'anon', 'pgrest.db_pre_request': 'hooks.check_user' };
  server.reload({ 'pgrest.db_anon_role': '', 'pgrest.db_pre_request': '' });
  assert.equal(findings(), '');
  server.reload(before);
});

// ---------------------------------------------------------------- secret
sql(shell(`chmod o+r ${file}`), `critical: everybody on the machine can read the secret: ${file}`, shell(`chmod o= ${file}`));
sql(shell(`chmod o+w ${file}`), `critical: everybody on the machine can replace the keys: ${file}`, shell(`chmod o= ${file}`));
sql(shell(`chmod 777 ${directory}`), `critical: everybody on the machine can replace the keys: ${file}`, shell(`chmod 755 ${directory}`));
test('a file that others cannot reach is not open to them', () => {
  psql(shell(`chmod 666 ${file}; chmod 700 ${directory}`));
  assert.equal(findings(), '');
  psql(shell(`chmod 600 ${file}; chmod 755 ${directory}`));
});
sql(
  `alter role authenticator set pgrst.jwt_secret = '${secret}'`,
  'critical: a secret stands in the catalog, where every role can read it: role authenticator: pgrst.jwt_secret',
  'alter role authenticator reset pgrst.jwt_secret',
);
sql(
  `alter database app set app.jwt_secret = '${secret}'; alter role clerk in database app set app.secret = 'x'; ` +
    `alter database other set app.jwt_secret = 'not ours'`,
  'critical: a secret stands in the catalog, where every role can read it: database app: app.jwt_secret\n' +
    'critical: a secret stands in the catalog, where every role can read it: role clerk, database app: app.secret',
  'alter database app reset app.jwt_secret; alter role clerk in database app reset app.secret; ' +
    'alter database other reset app.jwt_secret',
);
sql(
  "alter role authenticator set pgrst.jwt_secret_is_base64 = 'true'; alter database app set app.secret = '@file'",
  '',
  'alter role authenticator reset pgrst.jwt_secret_is_base64; alter database app reset app.secret',
);

// ---------------------------------------------------------------- authenticator
sql('alter role authenticator superuser', 'critical: the authenticator is a superuser: authenticator', 'alter role authenticator nosuperuser');
sql('alter role authenticator nologin', 'critical: the authenticator may not log in: authenticator', 'alter role authenticator login');
sql('alter role authenticator inherit', 'warning: the authenticator inherits the rights of its roles: authenticator', 'alter role authenticator noinherit');
for (const attribute of ['bypassrls', 'createrole', 'createdb', 'replication'])
  sql(
    `alter role authenticator ${attribute}`,
    `critical: the authenticator has a dangerous attribute: ${attribute.toUpperCase()}`,
    `alter role authenticator no${attribute}`,
  );
for (const [kind, object, label] of [
  ['table', 'api.boats', 'table api.boats'],
  ['view', 'api.names', 'table api.names'],
  ['function', 'api.harbour()', 'function api.harbour()'],
  ['schema', 'inner_part', 'schema inner_part'],
  ['database', 'app', 'database app'],
])
  sql(
    `alter ${kind} ${object} owner to authenticator`,
    `warning: the authenticator owns an object: ${label}`,
    `alter ${kind} ${object} owner to ${kind === 'database' ? 'postgres' : 'keeper'}`,
  );
sql(
  'grant clerk to authenticator with admin option',
  'critical: the authenticator may grant a role to others: clerk',
  'revoke admin option for clerk from authenticator',
);
sql(
  'alter role clerk bypassrls; grant boss to clerk',
  'critical: requests may become a role with a dangerous attribute: boss, SUPERUSER\n' +
    'critical: requests may become a role with a dangerous attribute: clerk, BYPASSRLS',
  'alter role clerk nobypassrls; revoke boss from clerk',
);
sql(
  'alter role clerk createrole replication',
  'critical: requests may become a role with a dangerous attribute: clerk, CREATEROLE\n' +
    'critical: requests may become a role with a dangerous attribute: clerk, REPLICATION',
  'alter role clerk nocreaterole noreplication',
);
for (const role of ['pg_read_server_files', 'pg_execute_server_program', 'pg_write_all_data'])
  sql(
    `create role way_there; grant way_there to clerk; grant ${role} to way_there`,
    `critical: requests may have the rights of a predefined role: ${role}`,
    'drop role way_there',
  );

// ---------------------------------------------------------------- anonymous
sql('alter role anon login', 'warning: the anonymous role may log in: anon', 'alter role anon nologin');
sql('revoke anon from authenticator', 'warning: the authenticator is no member of the anonymous role: anon', 'grant anon to authenticator');
for (const right of ['insert', 'update (name)', 'delete', 'truncate'])
  sql(
    `grant ${right} on api.boats to anon`,
    'warning: the anonymous role may write to a table: api.boats',
    `revoke ${right} on api.boats from anon`,
  );
sql(
  'grant update on api.names to public',
  'warning: the anonymous role may write to a table: api.names',
  'revoke update on api.names from public',
);
sql(
  'grant create on schema api to anon',
  'critical: requests may create objects in a schema: schema api, role anon',
  'revoke create on schema api from anon',
);
sql(
  'grant create on schema public to public',
  'critical: requests may create objects in a schema: schema public, role anon\n' +
    'warning: requests may create objects in a schema: schema public, role clerk',
  'revoke create on schema public from public',
);

// ---------------------------------------------------------------- relations
sql(
  'alter table api.boats disable row level security',
  'warning: a table without row security can be read: api.boats, by anon, clerk',
  'alter table api.boats enable row level security',
);
sql(
  'create materialized view api.fleet as select 1 as boats; grant select on api.fleet to clerk',
  'notice: a relation that cannot have row security can be read: api.fleet, by clerk',
  'revoke select on api.fleet from clerk',
);
sql(
  'alter table api.boats owner to clerk',
  'warning: requests may become the owner of an exposed relation: api.boats, role clerk',
  'alter table api.boats owner to keeper',
);
sql(
  'alter view api.names reset (security_invoker)',
  'warning: a view passes by row security: api.names, of api.boats',
  'alter view api.names set (security_invoker)',
);
sql(
  'revoke select on api.names from anon; grant delete on api.names to clerk; alter view api.names reset (security_invoker)',
  'warning: a view passes by row security: api.names, of api.boats',
  'revoke delete on api.names from clerk; grant select on api.names to anon; alter view api.names set (security_invoker)',
);
sql(
  'create table api.trips (id int) partition by list (id); alter table api.trips enable row level security; ' +
    'create table api.trips_1 partition of api.trips for values in (1); grant select on api.trips, api.trips_1 to clerk',
  '',
  'drop table api.trips',
);
sql(
  'alter view api.names reset (security_invoker); alter table api.boats force row level security',
  '',
  'alter view api.names set (security_invoker); alter table api.boats no force row level security',
);
sql(
  'alter view api.names reset (security_invoker); alter view api.names owner to postgres; alter table api.boats force row level security',
  'warning: a view passes by row security: api.names, of api.boats',
  'alter view api.names set (security_invoker); alter view api.names owner to keeper; alter table api.boats no force row level security',
);
sql(
  'create view inner_part.all_boats as select * from api.boats; ' +
    'create view api.short with (security_invoker = on) as select name from inner_part.all_boats; ' +
    'grant select on api.short to clerk',
  'warning: a view passes by row security: api.short, of api.boats',
  'alter view inner_part.all_boats set (security_invoker = true)',
);
sql(
  'alter view inner_part.all_boats reset (security_invoker); revoke select on api.short from clerk',
  '',
  'drop view inner_part.all_boats cascade',
);

// ---------------------------------------------------------------- functions
sql(
  'alter function api.moor() reset search_path',
  'critical: a SECURITY DEFINER function has no search_path of its own: api.moor()',
  'alter function api.moor() set search_path = pg_catalog, pg_temp',
);
sql(
  'alter function hooks.check_user() security definer reset search_path',
  'critical: a SECURITY DEFINER function has no search_path of its own: hooks.check_user()',
  'alter function hooks.check_user() security invoker set search_path = pg_catalog, pg_temp',
);
sql(
  'alter function api.moor() owner to postgres',
  'warning: a SECURITY DEFINER function belongs to a superuser: api.moor()',
  'alter function api.moor() owner to keeper',
);
sql(
  'grant execute on function api.moor() to public',
  'warning: everybody may execute a SECURITY DEFINER function: api.moor()',
  'revoke execute on function api.moor() from public',
);
sql(
  "create function api.land(boat int) returns void language sql as ''; create function api.note() returns trigger language plpgsql as 'begin end'",
  'notice: everybody may execute a volatile function: api.land(integer)',
  'revoke execute on function api.land(integer) from public',
);
sql(
  'alter function api.land(integer) owner to clerk',
  'warning: requests may become the owner of an exposed function: api.land(integer), role clerk',
  'drop function api.land(integer)',
);
for (const [make, mend] of [
  ['alter function hooks.check_user() owner to clerk', 'alter function hooks.check_user() owner to keeper'],
  ['alter schema hooks owner to clerk', 'alter schema hooks owner to keeper'],
  ['grant create on schema hooks to clerk', 'revoke create on schema hooks from clerk'],
])
  sql(make, 'critical: requests may replace the pre-request function: hooks.check_user(), role clerk', mend);
sql(
  'create extension pgcrypto schema api',
  'warning: objects of an extension are exposed: pgcrypto, schema api',
  'drop extension pgcrypto',
);

// ---------------------------------------------------------------- what takes more
sql(
  'alter function hooks.check_user() reset search_path',
  'warning: the pre-request function has no search_path of its own: hooks.check_user()',
  'alter function hooks.check_user() security invoker set search_path = pg_catalog, pg_temp',
);
settings({ 'pgrest.db_root_spec': 'root' }, 'warning: a setting names a function without its schema: pgrest.db_root_spec = root');
settings({ 'pgrest.db_pre_config': 'configure' }, 'warning: a setting names a function without its schema: pgrest.db_pre_config = configure');
sql(
  `alter role authenticator in database app set pgrst.db_pre_config = 'configure'`,
  'warning: a setting names a function without its schema: pgrst.db_pre_config = configure',
  'alter role authenticator in database app reset pgrst.db_pre_config',
);

test('a pre-request function without a schema is looked for in the exposed schemas and the extra search path', () => {
  server.reload({ 'pgrest.db_pre_request': 'enter', 'pgrest.db_schemas': 'api, inner_part' });
  const unqualified = 'warning: a setting names a function without its schema: pgrest.db_pre_request = enter';
  expect(findings(), `critical: the pre-request function does not exist: enter\n${unqualified}`);
  psql("create function inner_part.enter() returns void language sql stable set search_path = pg_catalog, pg_temp as ''");
  expect(findings(), unqualified);
  psql("drop function inner_part.enter(); create function public.enter() returns void language sql stable set search_path = pg_catalog, pg_temp as ''");
  expect(findings(), unqualified);
  psql('drop function public.enter()');
  server.reload({ 'pgrest.db_pre_request': 'hooks.check_user', 'pgrest.db_schemas': 'api' });
});

test('another database is no weakness, so the table does not name it', () => {
  assert.equal(psql(LIST, 'other').trim(), 'notice: another database is served: app');
});

test('who may call it', () => {
  assert.equal(psql('set role watcher;\nset search_path = nowhere;\n' + LIST).trim(), '');
  assert.throws(() => psql('set role watcher; select * from pgrest.check_settings()'));
  assert.throws(() => psql('set role clerk; select * from pgrest.check()'));
  psql('grant execute on function pgrest.check_settings() to watcher');
  assert.throws(() => psql('set role watcher; select * from pgrest.check_settings()'));
  psql('revoke execute on function pgrest.check_settings() from watcher');
});

test('the secret is never shown', () => {
  const everything = `${psql('select * from pgrest.check_settings()')}${psql('table pg_stat_activity')}`;
  assert.ok(everything.includes(file));
  assert.ok(!everything.includes(secret));
});

test('each finding says what to do', () => {
  psql('alter role authenticator superuser');
  const advice = psql('select advice from pgrest.check()').trim();
  psql(advice);
  assert.equal(advice, 'ALTER ROLE authenticator NOSUPERUSER;');
  assert.equal(findings(), '');
});

test('an address that is open to everybody', async () => {
  await server.restart({ 'pgrest.server_host': '!4' });
  expect(findings(), 'warning: pgrest listens on every address, without TLS: !4');
  await server.restart({ 'pgrest.server_unix_socket': `${server.dir}/http` });
  assert.equal(findings(), '');
});

test('a secret in the database is used, and found', async () => {
  psql(`alter role authenticator set pgrst.jwt_secret = 'short'; select pgrest.reload()`);
  await until('both findings', () => findings().split('\n').length === 2);
  expect(
    findings(),
    'critical: a secret stands in the catalog, where every role can read it: role authenticator: pgrst.jwt_secret\n' +
      'warning: the secret is shorter than 32 bytes: 5 bytes',
  );
  psql(`${shell(`chmod 644 ${file}`)}alter role authenticator set pgrst.jwt_secret = '@${file}'; select pgrest.reload()`);
  await until('the file', () => findings() === `critical: everybody on the machine can read the secret: ${file}`);
});

test('docs/security.md names what was found here, and nothing else', () => {
  const rows = [...page('security.md').matchAll(/^\| (critical|warning|notice) \| ([^|]*) \|/gm)];
  assert.deepEqual(rows.map(([, severity, what]) => `${severity}: ${what}`).sort(), [...seen].sort());
});
