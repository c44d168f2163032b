// Requests that nobody should send, from random numbers: true ones that are changed in head, target, token, body and
// framing, and what is no HTTP at all. Strings are bytes (latin1).
import { token } from '../http/server.mjs';

const utf8 = (text) => Buffer.from(text, 'utf8').toString('latin1');

const fragments = [
  '\0', '\r', '\n', '\r\n', '\r\n\r\n', '\t', ' ', '%', '%00', '%0d%0a', '%2F', '%2e%2e', '%C0%AF', '%FF', '%u0041', '\x7f', '\x80', '\xff\xfe',
  utf8('é'), utf8('🦊'), "'", "''", '"', '\\', '\\"', '`', '$1', '$$', ';', '--', '/*', ',', '.', '..', '(', ')', '((((((((', '{', '}', '[', ']',
  'and(', 'or(', 'not.', 'not.and(', 'eq.', 'in.(', 'is.null', 'cs.{', 'fts(', 'like(any).', '->', '->>', '::', '::text', '::int4[]', '...', '!inner', '!left',
  '*', '&', '=', '==', '?', '#', '+', '-', '-1', '0', '9223372036854775808', '1e400', 'NaN', 'Infinity', 'null', 'true', '99999999999999999999999999',
  'limit=', 'offset=', 'order=', 'select=', 'columns=', 'on_conflict=', 'pg_catalog', 'pg_authid', 'current_user', 'Content-Length: 0\r\n',
];

const targets = [
  '/items?id=eq.7', '/items?order=id&limit=25&offset=50', '/items?select=id,name,makers(id,name)&id=in.(1,2,3)', '/makers?select=*,items(count)',
  '/items?or=(id.eq.1,and(id.gt.5,id.lt.9))', '/items?name=like.item*&id=not.gt.40', '/items?select=id::text,n:name&id=lt.4', '/rpc/add?a=1&b=2',
  '/rpc/echo?value=x', '/rpc/me', '/items?select=id,makers!inner(name)&makers.name=eq.maker%203', '/journal?id=eq.none', '/notes', '/shifting', '/', '/nothing',
  '/items?select=maker,makers(items(id))&limit=1&makers.items.limit=2', '/makers?select=...items(name)&limit=1',
];

const headers = [
  'Accept: text/csv', 'Accept: application/vnd.pgrst.object+json', 'Accept: application/vnd.pgrst.plan', 'Accept: */*;q=0, a/b;q=9', 'Prefer: count=exact',
  'Prefer: return=representation, resolution=merge-duplicates', 'Prefer: tx=rollback, handling=strict, nonsense', 'Prefer: max-affected=1', 'Prefer: timezone=Mars',
  'Range: 0-9', 'Range: 9-0', 'Range: bytes=0-', 'Range-Unit: items', 'Accept-Profile: pg_catalog', 'Content-Profile: api', 'Accept-Profile: nowhere',
  'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip', 'Content-Length: 5', 'Content-Length: -1', 'Content-Length: 99999999999999999999', 'Expect: 100-continue',
  'Expect: 200-ok', 'Upgrade: websocket', 'Connection: keep-alive, close, upgrade', 'Host: again', 'Cookie: a=b; c="d;e"; =; f', 'Origin: null',
  'Access-Control-Request-Method: POST', 'X-HTTP-Method-Override: DELETE', ' folded: line', 'No-Colon', ': no name', 'Na me: x', 'Content-Type: application/json; charset=utf-7',
  'Content-Type: text/csv', 'Content-Type: application/x-www-form-urlencoded', 'Content-Type: multipart/form-data; boundary=x', 'Content-Encoding: gzip',
];

const methods = ['GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PATCH', 'PUT', 'DELETE', 'TRACE', 'CONNECT', 'get', 'PROPFIND', 'G\0T', ''];

const noise = [
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET /\r\n', 'GET / HTTP/1.1', '\r\n\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n',
  '\x00\x00\x00\x08\x04\xd2\x16\x2f', 'SSH-2.0-x\r\n', 'GET http://other/items HTTP/1.1\r\nHost: x\r\n\r\n', 'GET * HTTP/1.1\r\nHost: x\r\n\r\n',
];

function changedText(random, text, times) {
  for (let i = 0; i < times; i += 1) {
    const at = random.below(text.length + 1);
    const until = Math.min(text.length, at + random.between(1, 12));
    switch (random.below(6)) {
      case 0: text = text.slice(0, at) + random.pick(fragments) + text.slice(at); break;
      case 1: text = text.slice(0, at) + text.slice(until); break;
      case 2: text = text.slice(0, at) + text.slice(at, until).repeat(random.between(2, 30)) + text.slice(until); break;
      case 3: text = text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1); break;
      case 4: text = text.slice(0, at) + random.pick(fragments) + text.slice(until); break;
      default: text = text.slice(0, at) + random.pick(fragments).repeat(random.between(1, 200)) + text.slice(at);
    }
  }
  return text;
}

function nested(random) {
  const depth = random.between(2, 3000);
  return random.pick([
    () => `/items?${'and=('.repeat(1)}${'or('.repeat(depth)}id.eq.1${')'.repeat(depth)})`,
    () => `/items?select=${'makers(items('.repeat(depth % 400)}id${'))'.repeat(depth % 400)}`,
    () => `/items?${'id=gt.0&'.repeat(depth)}limit=1`,
    () => `/items?select=${'id,'.repeat(depth)}id`,
    () => `/items?id=in.(${'1,'.repeat(depth)}1)`,
    () => `/items?order=${'id,'.repeat(depth)}id`,
  ])();
}

const claims = [{ role: 'intruder' }, { role: 'reader' }, { role: 'alice', sub: 'x' }, { role: 'postgres' }, { role: 'authenticator' }, { role: 'pg_monitor' }, { role: '' }, { role: 7 },
  { role: 'intruder', exp: 1 }, { role: 'intruder', nbf: 99999999999 }, { role: 'intruder', aud: ['x'] }, { role: 'intruder', exp: 'soon' }, {}];

function credentials(random) {
  let jwt = random.chance(0.7) ? token({ role: 'intruder' }) : token(random.pick(claims));
  switch (random.below(8)) {
    case 0: jwt = changedText(random, jwt, random.between(1, 3)); break;
    case 1: jwt = token({ role: 'intruder' }, 'another secret, which is not the right one'); break;
    case 2: jwt = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${jwt.split('.')[1]}.`; break;
    default:
  }
  return `Authorization: ${random.chance(0.9) ? 'Bearer' : random.pick(['bearer', 'Basic', 'Bearer Bearer', ''])} ${jwt}`;
}

function bodyOf(random, id) {
  const row = `{"id":"${id}","content":${random.pick(['1', '1', '1', '-1', '"x"', 'null', '1e400', '{}', '[1]'])}}`;
  const text = random.pick([row, row, `[${row}]`, `[${row},${row}]`, `id,content\n${id},1\n`, `id=${id}&content=1`, '['.repeat(random.between(1, 20000)), `{"id":${row}}`,
    `{"id":"${id}","content":1,"content":2}`, `{"id":"${id}\\ud800","content":1}`, `{"id":"${id}\\u0000","content":1}`, `${row}${row}`, '']);
  return random.chance(0.5) ? text : changedText(random, text, random.between(1, 4));
}

function chunked(random, body) {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const size = Math.min(body.length - at, random.between(1, 40));
    const said = random.chance(0.9) ? size.toString(16) : random.pick(['-1', '', 'x', 'ffffffffffffffff', '0x5', `000${size.toString(16)}`, '7fffffff', `${size.toString(16)};ext="a\nb"`]);
    text += `${said}\r\n${body.slice(at, at + size)}${random.chance(0.97) ? '\r\n' : '\n'}`;
    at += size;
  }
  return text + random.pick(['0\r\n\r\n', '0\r\n\r\n', '0\r\nContent-Length: 3\r\n\r\n', '00\r\n\r\n', '0\n\n', '0\r\n', '']);
}

// As a client writes it, so that the grammar behind it sees it.
const encoded = (target) => target.replaceAll(/[^!-~]|[#"<>\\^`{|}]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);

function oneRequest(random, id) {
  const writes = random.chance(0.4);
  const method = writes ? random.pick(['POST', 'POST', 'POST', 'PUT', 'PATCH']) : random.pick(methods);
  let target = writes ? random.pick(['/journal', '/journal', '/journal?columns=id,content', `/journal?id=eq.${id}`, '/rpc/measure', '/notes', '/makers']) : random.pick(targets);
  if (random.chance(0.1)) target = nested(random);
  else if (random.chance(writes ? 0.3 : 0.6)) target = changedText(random, target, random.between(1, 3));
  if (random.chance(0.6)) target = encoded(target);
  const lines = [`${method} ${target} HTTP/1.${random.chance(0.9) ? 1 : random.pick(['0', '9', '11', ''])}`, 'Host: soak'];
  if (random.chance(0.7)) lines.push('Connection: close');
  if (random.chance(writes ? 0.9 : 0.3)) lines.push(credentials(random));
  let body = '';
  if (writes || random.chance(0.1)) {
    body = bodyOf(random, id);
    if (random.chance(0.8)) lines.push('Content-Type: application/json');
    if (random.chance(0.3)) {
      lines.push('Transfer-Encoding: chunked');
      body = chunked(random, body);
    } else if (random.chance(0.95)) {
      lines.push(`Content-Length: ${random.chance(0.9) ? body.length : Math.max(0, body.length + random.between(-9, 9))}`);
    }
  }
  for (let i = random.chance(0.4) ? random.between(1, 3) : 0; i > 0; i -= 1) lines.splice(random.between(1, lines.length), 0, random.pick(headers));
  if (random.chance(0.03)) lines.push(`X-Long: ${'y'.repeat(random.between(1000, 60000))}`);
  if (random.chance(0.02)) for (let i = random.between(50, 400); i > 0; i -= 1) lines.push(`X-${i}: ${i}`);
  let head = `${lines.join('\r\n')}\r\n\r\n`;
  if (random.chance(0.15)) head = changedText(random, head, random.between(1, 3));
  return head + body;
}

// { pieces: what is written one after the other, pauses: milliseconds before each, patience: how long to wait for the
// end, abort: leave without waiting, pipelined: two requests, id: of the row that they may write }
export function hostileRequest(random, number) {
  // with a sum at its end, so that a damaged one is not that of another request
  const id = `hostile-${number}-${(Math.imul(number, 0x9e3779b1) >>> 0).toString(36)}`;
  let bytes = random.chance(0.05) ? random.pick(noise) : oneRequest(random, id);
  const pipelined = random.chance(0.05);
  if (pipelined) bytes += oneRequest(random, id);
  if (random.chance(0.05)) bytes = bytes.slice(0, random.below(bytes.length + 1));
  const pieces = [];
  if (random.chance(0.7)) {
    pieces.push(bytes);
  } else {
    for (let parts = random.between(2, 4); parts > 1 && bytes.length > 1; parts -= 1) {
      const at = random.between(1, bytes.length - 1);
      pieces.push(bytes.slice(0, at));
      bytes = bytes.slice(at);
    }
    pieces.push(bytes);
  }
  return {
    id,
    pipelined,
    pieces,
    pauses: pieces.map((_, i) => (i === 0 ? 0 : random.below(15))),
    patience: random.between(30, 400),
    abort: random.chance(0.1),
    halfClose: random.chance(0.1),
  };
}
