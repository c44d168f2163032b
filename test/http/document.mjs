// Documents whose blocks of code are run: what is asked, and the answer that follows it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './server.mjs';

export const page = (name) => readFileSync(join(ROOT, 'docs', name), 'utf8');

// Blocks of code: {language, text, line, expected: the text of a json or text block that follows at once}.
export function blocks(document) {
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

// The SQL that shows an answer; all of it was run when the demonstration was made.
export function checkQueries(name, server) {
  const queries = blocks(page(name)).filter((block) => block.language === 'sql' && block.expected !== undefined);
  assert.ok(queries.length > 0);
  for (const block of queries) compare(server.cluster('psql', { input: block.text }, '-d', 'demo', '-At'), block);
}

// The requests, in one shell, so that a variable of one is there for the next.
export function checkRequests(name, server) {
  const requests = blocks(page(name)).filter((block) => block.language === 'sh');
  assert.ok(requests.length > 5);
  const mark = '--- end of a block ---';
  const script = requests.map(({ text }) => `${text}\nprintf '\\n%s\\n' '${mark}'\n`).join('');
  const output = execFileSync('bash', ['-eu'], {
    input: script
      .replaceAll('http://127.0.0.1:3000', server.url)
      .replaceAll('host=/var/run/postgresql', `host=${server.dir} port=5432`),
    encoding: 'utf8',
    env: { ...process.env, PATH: `${dirname(process.env.PG_CONFIG ?? '/usr/bin/x')}:${process.env.PATH}` },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = output.split(`\n${mark}\n`);
  requests.forEach((block, n) => compare(answers[n], block));
}
