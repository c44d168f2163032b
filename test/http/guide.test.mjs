// docs/guide.md: its SQL makes the demonstration, and every request in it is sent, in the order of the page.
// docs/settings.md: names exactly the settings that a running server has.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server } from './server.mjs';

let server;
before(async () => {
  server = await Server.demo();
});
after(() => server?.drop());

const page = (name) => readFileSync(join(ROOT, 'docs', name), 'utf8');

// Blocks of code: {language, text, line, expected: the text of a json or text block that follows at once}.
function blocks(document) {
  const found = [];
  const fence = /^```(\w+)\n([\s\S]*?)^```\n/gm;
  let end = -1;
  for (const match of document.matchAll(fence)) {
    const [whole, language, text] = match;
    if (['json', 'text'].includes(language)) {
      assert.equal(match.index, end, `an answer without a question: ${text}`);
      Object.assign(found.at(-1), { expected: text, kind: language });
    } else {
      found.push({ language, text, line: document.slice(0, match.index).split('\n').length });
    }
    end = match.index + whole.length;
  }
  return found;
}

function compare(got, { expected, kind, line }) {
  if (expected === undefined) return;
  if (kind === 'json') assert.deepEqual(JSON.parse(got), JSON.parse(expected), `line ${line}`);
  else assert.equal(got.trim(), expected.trim(), `line ${line}`);
}

test('the SQL of the guide that shows an answer', () => {
  for (const block of blocks(page('guide.md'))) {
    if (block.language !== 'sql' || block.expected === undefined) continue;
    compare(server.cluster('psql', { input: block.text }, '-d', 'demo', '-At'), block);
  }
});

test('the requests of the guide', () => {
  const requests = blocks(page('guide.md')).filter((block) => block.language === 'sh');
  assert.ok(requests.length > 5);
  // One shell runs all of them, so that a variable of one is there for the next.
  const mark = '--- end of a block ---';
  const script = requests.map(({ text }) => `${text}\nprintf '\\n%s\\n' '${mark}'\n`).join('');
  const output = execFileSync('bash', ['-eu'], {
    input: script.replaceAll('http://127.0.0.1:3000', server.url),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = output.split(`\n${mark}\n`);
  requests.forEach((block, n) => compare(answers[n], block));
});

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
