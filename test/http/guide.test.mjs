// docs/guide.md: its SQL makes the demonstration, and every request in it is sent, in the order of the page.
// docs/settings.md: names exactly the settings that a running server has.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkQueries, checkRequests, page } from './document.mjs';
import { Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.demo('guide.md');
});
after(() => server?.drop());

test('the SQL of the guide that shows an answer', () => checkQueries('guide.md', server));

test('the requests of the guide', () => checkRequests('guide.md', server));

// The secret is hidden from pg_settings, also from superusers.
const visible = (name) => name !== 'pgrest.jwt_secret';

test('the settings of the reference are those of the server, with their defaults and when they change', async () => {
  const rows = [...page('settings.md').matchAll(/^\| `(pgrest\.\w+)` \| (?:`([^`]*)`|none) \| (\w+) \|/gm)];
  const server_has = await server.sql(`
    select name || '|' || coalesce(shown, '') || '|' || case context when 'postmaster' then 'start' else 'reload' end
      from (select *, case when unit is null or vartype <> 'integer' or boot_val = '-1' then boot_val
                           else boot_val || ' ' || unit end as shown from pg_settings) s
     where name like 'pgrest.%'`);
  const documented = rows.map(([, name, value = '', when]) => [name, value, when]).filter(([name]) => visible(name));
  assert.deepEqual(documented.map((row) => row.join('|')).sort(), server_has.split('\n').sort());
});

test('what the table of older names says', async () => {
  const rows = [...page('settings.md').matchAll(/^\| `(pgrest\.\w+)` \| `pgrest\.\w+` \|/gm)];
  assert.ok(rows.length > 0);
  for (const [, name] of rows) await server.sql(`show ${name}`);
});
