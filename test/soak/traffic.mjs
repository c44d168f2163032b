// The actors of the soak. Each does one thing again and again until the gate says that it is over; what they see goes
// into one tally.
import net from 'node:net';
import { createHash } from 'node:crypto';
import { sleep } from '../http/server.mjs';
import { hostileRequest } from './hostile.mjs';

// What a request may meet that is not its own fault: the soak cancels statements, ends processes, changes tables.
const disturbances = {
  500: ['57014', '40P01', '40001', '55P03'],
  503: ['57P01', 'PGRST000', 'PGRST001', 'PGRST002', 'PGRST503', '57P03'],
  504: ['PGRST003'],
};

export function codeOf(answer) {
  try {
    return JSON.parse(answer.text).code;
  } catch {
    return undefined;
  }
}

const disturbed = (answer) => answer.broken !== undefined || (disturbances[answer.status]?.includes(codeOf(answer)) ?? false);

export class Tally {
  constructor() {
    this.counts = {};
    this.statuses = {};
    this.problems = [];
    this.problemCount = 0;
  }

  count(what, number = 1) {
    this.counts[what] = (this.counts[what] ?? 0) + number;
  }

  problem(text) {
    this.problemCount += 1;
    if (this.problems.length < 40) this.problems.push(text.slice(0, 600));
  }
}

// Actors pass it before each round. It can be closed, and then tells when all of them stand before it.
export class Gate {
  constructor() {
    this.inside = 0;
    this.over = false;
    this.open();
  }

  open() {
    this.passage?.resolve();
    this.passage = undefined;
  }

  close() {
    let resolve;
    const promise = new Promise((r) => (resolve = r));
    this.passage = { promise, resolve };
  }

  // Closed for good: nobody passes any more.
  end() {
    this.over = true;
    this.open();
  }

  // pause: milliseconds before a round.
  async run(pause, round) {
    for (;;) {
      await sleep(pause());
      while (this.passage) await this.passage.promise;
      if (this.over) return;
      this.inside += 1;
      try {
        await round();
      } finally {
        this.inside -= 1;
      }
    }
  }
}

// What was written, and what is known of it: acknowledged rows with their content, rows that must not be there, and
// rows of which nothing is known because their answer did not come.
export class Ledger {
  constructor() {
    this.there = new Map(); // id → content
    this.absent = new Map(); // id → what was sent and answered, if that is known
    this.unknown = new Map(); // id → the contents that are possible; undefined = not there
    this.acknowledged = 0;
  }

  acknowledge(id, content) {
    this.acknowledged += 1;
    this.there.set(id, content);
  }

  refuse(id, exchange = '') {
    this.absent.set(id, exchange);
  }

  // The rows that the database may hold, compared with those that it holds (id → content): a list of differences.
  compare(found) {
    const wrong = [];
    for (const [id, content] of this.there) if (found.get(id) !== content) wrong.push(`${id} is ${found.get(id)} and not ${content}`);
    for (const [id, exchange] of this.absent) if (found.has(id)) wrong.push(`${id} is there, which was refused or deleted${exchange}`);
    for (const [id, possible] of this.unknown) if (!possible.includes(found.get(id))) wrong.push(`${id} is ${found.get(id)} and not one of ${possible}`);
    // a hostile request may have any other name in it
    for (const id of found.keys())
      if (/^(row|bulk|left)-\d/.test(id) && !this.there.has(id) && !this.unknown.has(id)) wrong.push(`${id} was never sent`);
    return wrong;
  }
}

export class Traffic {
  constructor({ client, gate, tally, ledger, session, random, port }) {
    Object.assign(this, { client, gate, tally, ledger, session, random, port });
    this.turn = 0;
    this.hostileSent = 0;
    this.spared = new Map(); // pid: kind of the processes that are not terminated, so that their memory can be watched
    this.replacing = true; // reloads and a new launcher replace every executor: only while this is so
  }

  // Sends, counts, and complains about everything but the expected statuses and disturbances. Undefined = disturbed.
  async send(kind, expected, method, path, options) {
    const answer = await this.client.ask(method, path, options);
    this.tally.count('requests');
    this.tally.count(`requests: ${kind}`);
    if (expected.includes(answer.status)) return answer;
    if (disturbed(answer)) {
      this.tally.count('requests that were disturbed');
      this.tally.count(`disturbed: ${answer.broken ?? codeOf(answer)}`);
      if (answer.broken?.startsWith('no answer')) this.tally.problem(`${kind}: ${method} ${path}: ${answer.broken}`);
      return undefined;
    }
    this.tally.problem(`${kind}: ${method} ${path} answered with ${answer.status}: ${answer.text}`);
    return undefined;
  }

  expect(kind, path, is, wanted) {
    if (is !== wanted) this.tally.problem(`${kind}: ${path} answered ${String(is).slice(0, 200)} and not ${String(wanted).slice(0, 200)}`);
  }

  // Starts `number` actors of a kind, each with random numbers of its own and a pause between its rounds.
  actors(kind, number, pause, round) {
    return Array.from({ length: number }, (_, i) => {
      const random = this.random.fork(`${kind} ${i}`);
      return this.gate.run(
        () => pause * random.next(),
        async () => {
          try {
            await round(random, i);
          } catch (error) {
            this.tally.problem(`${kind}: ${error.stack}`);
          }
        },
      );
    });
  }

  start() {
    [
      this.actors('key', 4, 20, (random) => this.byKey(random)),
      this.actors('page', 2, 20, (random) => this.page(random)),
      this.actors('embed', 2, 20, (random) => this.embed(random)),
      this.actors('echo', 2, 20, (random) => this.echo(random)),
      this.actors('own rows', 3, 20, (random, i) => this.ownRows(random, ['alice', 'bob', 'carol'][i])),
      this.actors('identity', 2, 20, (random) => this.identity(random)),
      this.actors('litter', 1, 100, () => this.litter()),
      this.actors('large', 2, 300, (random) => this.large(random)),
      this.actors('slow reader', 3, 500, (random) => this.slowReader(random)),
      this.actors('upload', 2, 200, (random) => this.upload(random)),
      this.actors('bulk', 1, 300, (random) => this.bulk(random)),
      this.actors('write', 4, 20, (random, i) => this.write(random, i)),
      this.actors('refused', 2, 30, (random) => this.refused(random)),
      this.actors('client leaves', 4, 40, (random) => this.leave(random)),
      this.actors('shifting', 2, 20, (random) => this.shifting(random)),
      this.actors('ddl', 1, 60, (random) => this.ddl(random)),
      this.actors('cancel', 1, 150, (random) => this.cancel(random)),
      this.actors('terminate executor', 1, 3000, (random) => this.terminate(random, 'executor')),
      this.actors('terminate listener', 1, 12000, (random) => this.terminate(random, 'listener')),
      this.actors('terminate launcher', 1, 20000, (random) => this.replacing && this.terminate(random, 'launcher')),
      this.actors('reload', 1, 3000, (random) => this.replacing && this.reload(random)),
      this.actors('hostile', 30, 60, (random) => this.hostile(random)),
    ].flat().forEach((actor) => actor.catch((error) => this.tally.problem(error.stack)));
  }

  // ---- reading: every answer is known
  async byKey(random) {
    const id = random.between(1, 2000);
    const answer = await this.send('key', [200], 'GET', `/items?id=eq.${id}`, { role: random.pick([undefined, 'reader', 'writer']) });
    if (answer) this.expect('key', id, answer.text, `[{"id":${id},"name":"item ${id}","maker":${(id % 20) + 1}}]`);
  }

  async page(random) {
    const offset = random.below(1900);
    const path = `/items?select=id&order=id&limit=25&offset=${offset}`;
    const count = random.chance(0.3);
    const answer = await this.send('page', [count ? 206 : 200], 'GET', path, { headers: count ? { Prefer: 'count=exact' } : {} });
    if (!answer) return;
    const wanted = Array.from({ length: 25 }, (_, i) => offset + i + 1);
    this.expect('page', path, JSON.parse(answer.text).map((row) => row.id).join(), wanted.join());
    this.expect('page', path, answer.headers['content-range'], `${offset}-${offset + 24}/${count ? 2000 : '*'}`);
  }

  async embed(random) {
    const id = random.between(1, 20);
    const answer = await this.send('embed', [200], 'GET', `/makers?select=name,items(id,makers(id))&id=eq.${id}`, { role: 'reader' });
    if (!answer) return;
    const [maker] = JSON.parse(answer.text);
    this.expect('embed', id, maker.items.length, 100);
    this.expect('embed', id, maker.items.every((item) => item.makers.id === id), true);
  }

  // An answer that belongs to another request would be seen here.
  async echo(random) {
    const value = `echo ${random.below(2 ** 31)} ${(this.turn += 1)}`;
    const answer = random.chance(0.5)
      ? await this.send('echo', [200], 'GET', `/rpc/echo?value=${encodeURIComponent(value)}`)
      : await this.send('echo', [200], 'POST', '/rpc/echo', { body: { value } });
    if (answer) this.expect('echo', value, answer.text, JSON.stringify(value));
  }

  async ownRows(random, role) {
    const answer = await this.send('own rows', [200], 'GET', '/notes?select=id,owner', { role });
    if (!answer) return;
    const rows = JSON.parse(answer.text);
    this.expect('own rows', role, rows.length, 100);
    this.expect('own rows', role, rows.every((row) => row.owner === role), true);
    const other = random.pick(['alice', 'bob', 'carol'].filter((name) => name !== role));
    await this.send('foreign row', [403], 'POST', '/notes', { role, body: { id: 1000000 + random.below(1000), owner: other, body: 'forged' } });
  }

  async identity(random) {
    const role = random.pick(['reader', 'writer', 'alice', 'bob', 'carol']);
    const sub = `sub ${random.below(3000)}`;
    const trace = `trace ${random.below(2 ** 31)}`;
    const answer = await this.send('identity', [200], 'GET', '/rpc/me', { role, sub, headers: { 'X-Trace': trace } });
    if (!answer) return;
    const me = JSON.parse(answer.text);
    this.expect('identity', role, `${me.role} ${me.sub} ${me.trace}`, `${role} ${sub} ${trace}`);
  }

  async litter() {
    await this.send('litter', [200], 'POST', '/rpc/litter', { role: 'writer', body: {} });
    const answer = await this.send('litter', [200], 'GET', '/rpc/left', { role: 'reader' });
    if (answer) this.expect('litter', 'left', answer.text, '"nothing"');
  }

  async large() {
    const answer = await this.send('large', [200], 'GET', '/large', { role: 'reader' });
    if (answer) this.expect('large', 'rows', JSON.parse(answer.text).length, 20000);
  }

  // Reads a part of a large answer in small sips and then leaves.
  async slowReader(random) {
    this.tally.count('slow readers');
    await this.client.ask('GET', '/large', { role: 'reader', slow: random.between(5, 60), leaveAt: random.between(1, 600000), headers: { Connection: 'close' } });
  }

  // ---- writing
  async upload(random) {
    const text = String.fromCharCode(random.between(97, 122)).repeat(random.between(1000, random.chance(0.1) ? 4000000 : 200000));
    const answer = await this.send('upload', [200], 'POST', '/rpc/measure', {
      role: 'reader',
      body: text,
      headers: { 'Content-Type': 'text/plain' },
      chunks: random.chance(0.5) ? random.between(2, 50) : undefined,
    });
    if (answer) this.expect('upload', 'md5', JSON.parse(answer.text).md5, createHash('md5').update(text).digest('hex'));
  }

  async bulk(random) {
    const number = (this.turn += 1);
    const rows = Array.from({ length: random.between(2, 400) }, (_, i) => ({ id: `bulk-${number}-${i}`, content: i }));
    await this.#write(rows, undefined, 'bulk', [201], 'POST', '/journal', { role: 'writer', body: rows });
  }

  // Whole life of a row: inserted, changed, seen by its reader, perhaps deleted.
  async write(random, writer) {
    const row = { id: `row-${writer}-${(this.turn += 1)}`, content: random.below(1000) };
    if (!(await this.#write([row], undefined, 'insert', [201], 'POST', '/journal', { role: 'writer', body: row }))) return;
    if (random.chance(0.3)) {
      const seen = await this.send('read back', [200], 'GET', `/journal?id=eq.${row.id}&select=content`, { role: 'reader' });
      if (seen) this.expect('read back', row.id, seen.text, `[{"content":${row.content}}]`);
    }
    if (random.chance(0.4)) {
      const next = { id: row.id, content: random.below(1000) };
      if (!(await this.#write([next], row.content, 'update', [204], 'PATCH', `/journal?id=eq.${row.id}`, { role: 'writer', body: { content: next.content } }))) return;
      row.content = next.content;
    }
    if (random.chance(0.2)) await this.#delete(row);
  }

  async #delete(row) {
    const path = `/journal?id=eq.${row.id}`;
    const answer = await this.client.ask('DELETE', path, { role: 'writer' });
    this.#sent('delete');
    this.ledger.there.delete(row.id);
    if (answer.status === 204) {
      this.ledger.acknowledged += 1;
      this.ledger.refuse(row.id);
    } else if (this.#certain(answer, 'delete', path)) {
      this.ledger.there.set(row.id, row.content);
    } else {
      this.ledger.unknown.set(row.id, [row.content, undefined]);
    }
  }

  // Writes rows and enters in the ledger what is known of them then. before: their content until now.
  async #write(rows, before, kind, expected, method, path, options) {
    const answer = await this.client.ask(method, path, options);
    this.#sent(kind);
    const good = expected.includes(answer.status);
    const certain = good || this.#certain(answer, kind, path);
    for (const row of rows) {
      if (good) {
        this.ledger.acknowledge(row.id, row.content);
      } else if (!certain) {
        this.ledger.there.delete(row.id);
        this.ledger.unknown.set(row.id, [before, row.content]);
      } else if (before === undefined) {
        this.ledger.refuse(row.id);
      }
    }
    return good;
  }

  #sent(kind) {
    this.tally.count('requests');
    this.tally.count(`requests: ${kind}`);
  }

  // A write that failed: is it certain that it left nothing? An error of the statement says so; a process that ended
  // or a connection that broke says nothing.
  #certain(answer, kind, path) {
    if (!disturbed(answer)) {
      this.tally.problem(`${kind}: ${path} answered with ${answer.status}: ${answer.text}`);
      return true;
    }
    this.tally.count('requests that were disturbed');
    this.tally.count(`disturbed: ${answer.broken ?? codeOf(answer)}`);
    return answer.broken === undefined && codeOf(answer) !== '57P01';
  }

  async refused(random) {
    const id = `refused-${(this.turn += 1)}`;
    const body = { id, content: 1 };
    this.ledger.refuse(id);
    const [expected, options] = random.pick([
      [[403], { role: 'reader', body }],
      [[401], { body }],
      [[400], { role: 'writer', body: { id, content: -1 } }],
      [[400], { role: 'writer', body: [body, { id: `${id}-2`, content: 'x' }] }],
      [[400], { role: 'writer', body: `[{"id":"${id}","content":1}` }],
      [[409], { role: 'writer', body: [body, body] }],
      [[401], { body, headers: { Authorization: 'Bearer x.y.z' } }],
      [[401], { body, headers: { Authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoid3JpdGVyIn0.' } }],
      [[400], { role: 'writer', body, headers: { Prefer: 'handling=strict, nonsense' } }],
      [[400], { role: 'writer', body: `id=${id}`, headers: { 'Content-Type': 'image/png' } }],
      [[406], { role: 'writer', body, headers: { 'Content-Profile': 'pg_catalog' } }],
    ]);
    await this.send('refused', expected, 'POST', '/journal', options);
  }

  // ---- clients that leave at any moment
  async leave(random) {
    this.tally.count('clients that left');
    const leaveAfter = random.below(60);
    const headers = { Connection: 'close' };
    switch (random.below(5)) {
      case 0:
        return this.client.ask('GET', `/rpc/nap?seconds=${random.pick([0.01, 0.05, 10])}`, { role: 'reader', leaveAfter, headers });
      case 1:
        return this.client.ask('GET', '/large', { role: 'reader', leaveAt: random.between(1, 2000000), headers });
      case 2:
        return this.client.ask('POST', '/rpc/measure', { role: 'reader', body: 'x'.repeat(300000), chunks: 10, leaveAfter, headers: { ...headers, 'Content-Type': 'text/plain' } });
      case 3:
        return this.client.ask('GET', `/items?id=eq.${random.between(1, 2000)}`, { leaveAfter: random.below(5), headers });
      default: {
        const row = { id: `left-${(this.turn += 1)}`, content: 1 };
        this.ledger.unknown.set(row.id, [undefined, 1]);
        return this.client.ask('POST', '/journal', { role: 'writer', body: row, leaveAfter: random.below(5), headers });
      }
    }
  }

  // ---- DDL under the requests
  async shifting(random) {
    const path = random.pick(['/shifting?id=lt.10', '/shifting?select=id,fixed,extra', '/shifting?extra=is.null', '/shifting?select=*&order=id', '/passing', '/passing?select=n,shifting(id)']);
    const answer = await this.send('shifting', [200, 300, 400, 401, 403, 404], 'GET', path, { role: random.pick([undefined, 'reader']) });
    if (!answer || answer.status !== 200 || !path.startsWith('/shifting')) return;
    const rows = JSON.parse(answer.text);
    this.expect('shifting', path, rows.every((row) => !('fixed' in row) || row.fixed === `fixed ${row.id}`), true);
  }

  async ddl(random) {
    this.tally.count('DDL');
    await this.session.run(
      random.pick([
        "set lock_timeout = '1s'; alter table api.shifting add column if not exists extra integer",
        'alter table api.shifting drop column if exists extra',
        'alter table api.shifting add column if not exists extra text',
        'create table if not exists api.passing (n integer primary key, shifting integer references api.shifting); grant select on api.passing to anon, reader',
        'drop table if exists api.passing',
        'revoke select on api.shifting from anon',
        'grant select on api.shifting to anon',
        'alter table api.shifting rename to moved; alter table api.moved rename to shifting',
        'create or replace function api.add(a integer, b integer) returns integer immutable language sql as $$ select b + a $$',
        'create index if not exists passing_by on api.shifting (fixed); drop index api.passing_by',
        'analyze api.shifting',
        'vacuum api.journal',
      ]),
    );
    if (random.chance(0.2)) {
      const [a, b] = [random.below(1000), random.below(1000)];
      const answer = await this.send('function', [200], 'GET', `/rpc/add?a=${a}&b=${b}`);
      if (answer) this.expect('function', 'add', answer.text, String(a + b));
    }
  }

  // ---- cancelled and ended processes, reloads
  async #pids(kind, condition = 'true') {
    const text = await this.session.run(`select pid from pgrest.workers where kind = '${kind}' and ${condition} order by pid`);
    return text === '' ? [] : text.split('\n').map(Number);
  }

  async cancel(random) {
    const pids = await this.#pids('executor');
    if (pids.length === 0) return;
    this.tally.count('cancels');
    await this.session.run(`select pg_cancel_backend(${random.pick(pids)})`);
  }

  async terminate(random, kind) {
    const pids = (await this.#pids(kind)).filter((pid) => !this.spared.has(pid));
    if (pids.length === 0) return;
    this.tally.count(`terminated ${kind}s`);
    await this.session.run(`select pg_terminate_backend(${random.pick(pids)})`);
  }

  async reload(random) {
    this.tally.count('reloads');
    const change = random.pick([`"app.settings.turn" = ${random.below(1000)}`, `pgrest.jwt_cache_max_entries = ${random.pick([0, 10, 1000])}`, `pgrest.stream_threshold = ${random.pick(["'64kB'", "'1MB'"])}`]);
    await this.session.run(`alter system set ${change}`);
    await this.session.run('select pg_reload_conf()');
  }

  // ---- hostile requests over bare sockets
  hostile(random) {
    const { id, pieces, pauses, patience, abort, halfClose, pipelined } = hostileRequest(random, (this.hostileSent += 1));
    this.tally.count('hostile requests');
    return new Promise((resolve) => {
      const socket = net.connect({ host: '127.0.0.1', port: this.port, allowHalfOpen: true });
      let received = '';
      let ended = false;
      const over = (complete) => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        socket.resetAndDestroy();
        this.#judge(id, received, pieces, complete, pipelined ? 2 : 1);
        resolve();
      };
      // of two requests the answer to the second may be missing
      const broken = () => over(!pipelined);
      const timer = setTimeout(broken, abort ? patience / 10 : patience);
      socket.setEncoding('latin1');
      socket.on('data', (data) => {
        if (received.length < 100000) received += data;
      });
      socket.on('end', () => over(true));
      socket.on('error', broken);
      socket.on('close', broken);
      socket.on('connect', async () => {
        for (let i = 0; i < pieces.length && !ended; i += 1) {
          if (pauses[i]) await sleep(pauses[i]);
          if (!ended) socket.write(pieces[i], 'latin1');
        }
        if (halfClose && !ended) socket.end();
      });
    });
  }

  // Whatever was sent, the answer is HTTP, and no internal error: one that says which row stands twice in a PUT (21000) or
  // which limit of PostgreSQL was reached (class 54) is none. A row that was refused is not there.
  #judge(id, received, pieces, complete, requests) {
    if (received === '') {
      this.tally.count('hostile: no answer');
      return;
    }
    const statuses = [...received.matchAll(/HTTP\/1\.[01] (\d{3}) [^\r]*\r\n(?:[^\r\n]*:)/g)].map((match) => Number(match[1]));
    const sent = JSON.stringify(pieces.join('')).slice(0, 400);
    if (!/^HTTP\/1\.[01] \d{3} /.test(received)) this.tally.problem(`hostile: an answer that is no HTTP: ${JSON.stringify(received.slice(0, 100))} to ${sent}`);
    for (const status of statuses) {
      this.tally.statuses[status] = (this.tally.statuses[status] ?? 0) + 1;
      if (status < 500 || status === 505) continue;
      const body = received.slice(received.indexOf('\r\n\r\n') + 4);
      const codes = [...received.matchAll(/"code":"(\w+)"|\r\nProxy-Status: \w+; error=(\w+)/gi)].map((match) => match[1] ?? match[2]);
      const excused = (code) => disturbances[status]?.includes(code) || (status === 500 && /^(54...|21000)$/.test(code));
      if (!codes.some(excused)) this.tally.problem(`hostile: ${status} ${body.slice(0, 200)} to ${sent}`);
    }
    // A listener that ends closes the connection without an answer to a write that is under way.
    if (complete && statuses.length >= requests && statuses.every((status) => status >= 400 && status < 500))
      this.ledger.refuse(id, ` by ${statuses}: ${sent} answered with ${JSON.stringify(received.slice(0, 200))}`);
  }
}
