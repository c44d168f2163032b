// A private PostgreSQL with pgrest in it, and short ways to talk to it.
import { execFile, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const SECRET = 'a secret of the tests over HTTP, 32 bytes or more';
// Whether test/sanitize/run is at work: the sanitizers keep freed memory, and take an allocation that fails for an error.
export const SANITIZED = process.env.PGREST_SANITIZED === '1';
// The encoding of the databases: what a client sends and gets is the same in all of them.
export const ENCODING = process.env.PGREST_ENCODING ?? 'UTF8';
// Text beyond ASCII that they can hold, and a letter of it as JSON may have it.
export const LETTERS = { LATIN1: 'Grüße', EUC_JP: 'Grüße, 世界' }[ENCODING] ?? 'Grüße, 世界 🌍 \u2028 😀 €';
export const ESCAPED = ENCODING === 'UTF8' ? ['\\ud83d\\ude00', '😀'] : ['\\u00fc', 'ü'];
const CLUSTER = join(ROOT, 'script', 'cluster');

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls until the answer is true; fails after a while.
export async function until(what, condition, ms = 10000) {
  const end = Date.now() + ms;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await sleep(50);
  }
}

const base64url = (data) => Buffer.from(data).toString('base64url');

export function token(claims, secret = SECRET) {
  const signed = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const lines = (settings) =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join('');

export class Server {
  // settings: of PostgreSQL and pgrest, by their full names; sql: loaded into the database before pgrest starts;
  // encoding: of the database.
  static async start(settings = {}, sql = readFileSync(join(ROOT, 'test/http/fixture.sql'), 'utf8'), encoding = ENCODING) {
    const server = await Server.create(settings);
    try {
      server.cluster('start');
      const other = encoding === 'UTF8' ? '' : `template template0 encoding '${encoding}' locale 'C'`;
      server.cluster('psql', '-c', `create database app ${other}`);
      server.cluster('psql', { input: sql }, '-d', 'app');
      server.cluster('stop');
      server.configure();
      server.cluster('start');
      await server.ready();
    } catch (error) {
      server.drop();
      throw error;
    }
    return server;
  }

  // The demonstration that a document in docs/ makes.
  static async demo(document) {
    const server = new Server();
    server.dir = mkdtempSync(join(tmpdir(), 'pgrest-http-'));
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.database = 'demo';
    server.cluster('demo', String(server.port), document);
    return server;
  }

  // A hot standby of this server, with a pgrest of its own.
  async standby(settings = {}) {
    const standby = new Server();
    standby.dir = mkdtempSync(join(tmpdir(), 'pgrest-http-'));
    standby.port = await freePort();
    standby.url = `http://127.0.0.1:${standby.port}`;
    standby.database = this.database;
    standby.settings = { ...this.settings, 'pgrest.server_port': standby.port, ...settings };
    try {
      this.cluster('standby', standby.dir);
      standby.configure();
      standby.cluster('start');
      await standby.ready();
    } catch (error) {
      standby.drop();
      throw error;
    }
    return standby;
  }

  // Only the cluster, not started, without pgrest.
  static async create(settings = {}) {
    const server = new Server();
    server.dir = mkdtempSync(join(tmpdir(), 'pgrest-http-'));
    server.port = settings['pgrest.server_port'] || (await freePort());
    server.url = `http://127.0.0.1:${server.port}`;
    server.database = 'app';
    server.settings = {
      fsync: 'off',
      shared_preload_libraries: 'pgrest',
      'pgrest.database': 'app',
      'pgrest.authenticator': 'authenticator',
      'pgrest.server_host': '127.0.0.1',
      'pgrest.server_port': server.port,
      'pgrest.db_schemas': 'api',
      'pgrest.db_anon_role': 'anon',
      'pgrest.jwt_secret': SECRET,
      ...(SANITIZED ? { 'pgrest.executor_memory': '4GB', 'pgrest.request_memory': -1 } : {}),
      ...settings,
    };
    server.cluster('init', { input: '' });
    return server;
  }

  // script/cluster COMMAND DIR arguments; an object among them holds options of execFileSync.
  cluster(command, ...args) {
    const options = args.find((arg) => typeof arg === 'object') ?? {};
    const words = args.filter((arg) => typeof arg !== 'object');
    return execFileSync(CLUSTER, [command, this.dir, ...words], {
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'inherit'],
      ...options,
    });
  }

  // Writes the settings (and remembers changed ones); they act at the next start or reload.
  configure(changed = {}) {
    this.settings = { ...this.settings, ...changed };
    this.cluster('configure', { input: lines(this.settings) });
  }

  reload(changed) {
    this.configure(changed);
    this.cluster('reload');
  }

  async restart(changed) {
    this.cluster('stop');
    this.configure(changed);
    this.cluster('start');
  }

  drop() {
    this.cluster('drop');
  }

  log() {
    return readFileSync(join(this.dir, 'log'), 'utf8');
  }

  // SQL as superuser: what it prints, unaligned.
  async sql(text, database = this.database) {
    const { stdout } = await promisify(execFile)(CLUSTER, ['psql', this.dir, '-d', database, '-At', '-c', text]);
    return stdout.trimEnd();
  }

  // Waits for the first answer that is no 503.
  async ready() {
    await until('an answer of pgrest', async () => {
      try {
        return (await fetch(this.url, { method: 'HEAD' })).status !== 503;
      } catch {
        return false;
      }
    }).catch((error) => {
      throw new Error(`${error.message}\n${this.log().split('\n').slice(-20).join('\n')}`);
    });
  }

  // A request. claims: sent as a token; body: an object is sent as JSON. The answer's body is parsed if it is JSON.
  async send(method, path, { claims, headers = {}, body, ...rest } = {}) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(claims && { Authorization: `Bearer ${token(claims)}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      ...rest,
    });
    const text = await response.text();
    const isJson = /^[^;]*json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
  }

  get(path, options) {
    return this.send('GET', path, options);
  }

  post(path, body, options) {
    return this.send('POST', path, { body, ...options });
  }

  // The value that SQL run by a request sees.
  async value(query, options) {
    const answer = await this.post('/rpc/value', { query }, options);
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  }

  // A bare connection: write() bytes, then take() what came until it ends, or until it holds `wanted` answers.
  connect() {
    return new Connection({ port: this.port, host: '127.0.0.1' });
  }
}

export class Connection {
  // where: as net.connect takes it, { host, port } or { path }
  constructor(where) {
    this.received = '';
    this.closed = false;
    this.socket = net.connect(where);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (data) => (this.received += data));
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => (this.closed = true));
  }

  write(text) {
    this.socket.write(text, 'latin1');
  }

  // Complete answers so far: [{status, headers, body}].
  answers() {
    const found = [];
    let rest = this.received;
    for (;;) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return found;
      const [first, ...fields] = rest.slice(0, end).split('\r\n');
      const headers = Object.fromEntries(
        fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
      );
      const length = Number(headers['content-length'] ?? 0);
      const body = rest.slice(end + 4, end + 4 + length);
      if (body.length < length) return found;
      rest = rest.slice(end + 4 + length);
      found.push({ status: Number(first.split(' ')[1]), headers, body });
    }
  }

  async take(wanted = 1) {
    await until(`${wanted} answers`, () => this.answers().length >= wanted || this.closed);
    return this.answers();
  }

  end() {
    this.socket.destroy();
  }
}
