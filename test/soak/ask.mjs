// One request of a well-behaved client, or of one that is slow or leaves.
import http from 'node:http';
import { token } from '../http/server.mjs';

const tokens = new Map();
export function credentials(role, sub) {
  if (!role) return {};
  const key = `${role} ${sub ?? ''}`;
  if (!tokens.has(key)) {
    if (tokens.size > 5000) tokens.clear();
    tokens.set(key, `Bearer ${token(sub === undefined ? { role } : { role, sub })}`);
  }
  return { Authorization: tokens.get(key) };
}

export class Client {
  constructor(port) {
    this.port = port;
    this.connect();
  }

  connect() {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  // Closes every connection that waits for a request.
  disconnect() {
    this.agent.destroy();
    this.connect();
  }

  // { status, headers, text }, or { broken: why } when there was no whole answer. body: an object is sent as JSON.
  // slow: milliseconds between two reads; leaveAfter: milliseconds until the connection is torn down; leaveAt: bytes of
  // the answer after which it is; onePiece: false sends the body in chunks.
  ask(method, path, { role, sub, headers = {}, body, slow, leaveAfter, leaveAt, chunks } = {}) {
    return new Promise((resolve) => {
      const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
      const request = http.request({
        agent: this.agent,
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        headers: {
          ...credentials(role, sub),
          ...(sent !== undefined && { 'Content-Type': 'application/json' }),
          ...(sent !== undefined && !chunks && { 'Content-Length': Buffer.byteLength(sent) }),
          ...headers,
        },
      });
      const left = () => request.destroy(new Error('left'));
      const timer = leaveAfter === undefined ? undefined : setTimeout(left, leaveAfter);
      // an answer that does not come is a fault of the server
      const patience = setTimeout(() => request.destroy(new Error('no answer in a minute')), 60000);
      const done = (outcome) => {
        clearTimeout(timer);
        clearTimeout(patience);
        resolve(outcome);
      };
      request.on('error', (error) => done({ broken: error.message }));
      request.on('response', (response) => {
        let text = '';
        let size = 0;
        response.setEncoding('utf8');
        response.on('data', (data) => {
          size += data.length;
          text += data;
          if (leaveAt !== undefined && size >= leaveAt) left();
          if (slow) {
            response.pause();
            setTimeout(() => response.resume(), slow);
          }
        });
        response.on('error', (error) => done({ broken: error.message }));
        response.on('end', () => done({ status: response.statusCode, headers: response.headers, text }));
        response.on('close', () => done({ broken: 'closed' }));
      });
      if (chunks) {
        const size = Math.ceil(sent.length / chunks);
        for (let at = 0; at < sent.length; at += size) request.write(sent.slice(at, at + size));
        request.end();
      } else {
        request.end(sent);
      }
    });
  }
}
