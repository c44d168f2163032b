// Clients that send requests until they are told to stop, and check every answer by itself.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, sleep, until } from './server.mjs';

// Needed in the database, beside fixture.sql.
export const LOAD_SQL = `
  create table api.log (id bigint primary key);
  grant select, insert on api.log to anon, clerk;
  create function api.echo(n bigint) returns bigint stable language sql as 'select n';
  create function api.note(n bigint, seconds float8 default 0) returns bigint stable language plpgsql as $$
  begin
    perform pg_sleep(seconds);
    raise log 'noted %', n;
    return n;
  end $$;`;

const patience = 30000;

export class Load {
  // send: as Server.send; clients: of each kind. Each takes its next request at once.
  constructor(server, { clients = 2, claims } = {}) {
    this.server = server;
    this.claims = claims;
    this.over = false;
    this.next = 1;
    this.acknowledged = [];
    this.outcomes = new Map(); // 'right', 'closed', or status and code of an error → how often
    this.wrong = [];
    this.clients = [];
    for (let n = 0; n < clients; n++) this.clients.push(this.run(this.read), this.run(this.call), this.run(this.write), this.run(this.stream));
  }

  count(outcome) {
    return this.outcomes.get(outcome) ?? 0;
  }

  note(outcome) {
    this.outcomes.set(outcome, this.count(outcome) + 1);
  }

  async run(kind) {
    while (!this.over) {
      const outcome = await kind.call(this, this.next++).catch((error) => this.failure(error));
      this.note(outcome);
      if (outcome === 'closed') await sleep(20);
    }
  }

  failure(error) {
    if (error.name !== 'TimeoutError') return 'closed';
    this.wrong.push('an answer did not come');
    return 'hangs';
  }

  async ask(method, path, body) {
    return this.server.send(method, path, { body, claims: this.claims, signal: AbortSignal.timeout(patience) });
  }

  // What became of an answer that should be `expected`.
  judge(what, answer, expected, right) {
    if (answer.status === expected) {
      if (right) return 'right';
      this.wrong.push(`${what}: ${answer.text.slice(0, 200)}`);
      return 'wrong';
    }
    if (answer.status >= 400 && typeof answer.body?.code === 'string') return `${answer.status} ${answer.body.code}`;
    this.wrong.push(`${what}: ${answer.status} ${answer.text.slice(0, 200)}`);
    return 'wrong';
  }

  async read(n) {
    const id = (n % 10) + 1;
    const answer = await this.ask('GET', `/items?id=eq.${id}`);
    return this.judge(`item ${id}`, answer, 200, answer.text === `[{"id":${id},"name":"item ${id}"}]`);
  }

  async call(n) {
    const answer = await this.ask('POST', '/rpc/echo', { n });
    return this.judge(`echo ${n}`, answer, 200, answer.text === String(n));
  }

  async write(id) {
    const answer = await this.ask('POST', '/log', { id });
    const outcome = this.judge(`row ${id}`, answer, 201, true);
    if (outcome === 'right') this.acknowledged.push(id);
    return outcome;
  }

  // Larger than a slot of the job table, and different each time.
  async stream(n) {
    const query = `select string_agg(i::text, ',') from generate_series(${n}, ${n + 20000}) i`;
    const answer = await this.ask('POST', '/rpc/value', { query });
    const numbers = answer.status === 200 && typeof answer.body === 'string' ? answer.body.split(',') : [];
    return this.judge(`numbers from ${n}`, answer, 200, numbers.length === 20001 && numbers[0] === `${n}` && numbers[20000] === `${n + 20000}`);
  }

  // Ends it. Returns what is wrong: wrong answers, outcomes other than these, acknowledged rows that are not there.
  async end(allowed = []) {
    this.over = true;
    await Promise.all(this.clients);
    const strange = [...this.outcomes.keys()].filter((outcome) => outcome !== 'right' && !allowed.includes(outcome));
    const problems = [...new Set([...this.wrong, ...strange])];
    const missing = await this.missing();
    if (missing.length) problems.push(`acknowledged and not there: ${missing}`);
    return problems;
  }

  async missing() {
    const there = new Set((await this.server.sql('select id from api.log')).split('\n').map(Number));
    return this.acknowledged.filter((id) => !there.has(id));
  }
}

// Nothing of a request is left in the memory that the processes share.
export async function isClean(server) {
  return (await server.sql('select arriving + waiting + running + answered, body_memory_used from pgrest.queue')) === '0|0';
}

export async function pids(server, kind) {
  const text = await server.sql(`select pid from pg_stat_activity where backend_type = 'pgrest ${kind}' order by 1`);
  return text === '' ? [] : text.split('\n').map(Number);
}

// script/cluster COMMAND, while the load goes on.
export async function control(server, command, ...args) {
  await promisify(execFile)(join(ROOT, 'script', 'cluster'), [command, server.dir, ...args]);
}

// All processes are there, and the requests of this moment are served.
export async function isWhole(server, workers) {
  try {
    const found = await server.sql(`select count(*) filter (where kind = 'executor' and state in ('idle', 'running')), count(*) filter (where kind = 'listener'), count(*) filter (where kind = 'launcher') from pgrest.workers`);
    return found === `${workers}|1|1` && (await server.get('/items?id=eq.1')).status === 200;
  } catch {
    return false; // it starts
  }
}

// How a request may end whose process is taken away.
export const LOSSES = ['closed', '503 57P01', '503 PGRST000', '503 PGRST001', '503 57P03'];

export async function beginLoad(server, options) {
  await server.sql('truncate api.log');
  const load = new Load(server, options);
  await until('the load to be under way', () => load.count('right') > 50);
  return load;
}

export async function answersAgain(load) {
  const before = load.count('right');
  await until('right answers again', () => load.count('right') > before + 100, 30000);
}

export const untilWhole = (server, workers) => until('all processes', () => isWhole(server, workers), 30000);
