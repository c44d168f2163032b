// A SQL session of the superuser that stays open: psql behind two pipes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../http/server.mjs';

export class Session {
  constructor(server, database = server.database) {
    this.child = spawn(join(ROOT, 'script', 'cluster'), ['psql', server.dir, '-d', database, '-At', '-v', 'ON_ERROR_STOP=0'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.received = '';
    this.errors = '';
    this.number = 0;
    this.waiting = Promise.resolve();
    this.child.stdout.setEncoding('utf8').on('data', (data) => {
      this.received += data;
      this.look?.();
    });
    this.child.stderr.setEncoding('utf8').on('data', (data) => (this.errors += data));
    this.ended = new Promise((resolve) => this.child.on('exit', resolve));
    this.ended.then(() => {
      this.over = true;
      this.look?.();
    });
  }

  // What the statements print. An error of theirs is in `errors` only.
  run(sql) {
    const result = this.waiting.then(() => this.#run(sql));
    this.waiting = result.catch(() => {});
    return result;
  }

  #run(sql) {
    const mark = `-- end ${(this.number += 1)} --`;
    return new Promise((resolve, reject) => {
      this.look = () => {
        const end = this.received.indexOf(`${mark}\n`);
        if (end >= 0) {
          const text = this.received.slice(0, end).trimEnd();
          this.received = this.received.slice(end + mark.length + 1);
          this.look = undefined;
          resolve(text);
        } else if (this.over) {
          reject(new Error(`the SQL session ended: ${this.errors.slice(-500)}`));
        }
      };
      this.child.stdin.write(`${sql};\n\\echo '${mark}'\n`);
      this.look();
    });
  }

  async json(query) {
    const text = await this.run(`select coalesce(json_agg(t), '[]') from (${query}) t`);
    return JSON.parse(text);
  }

  async end() {
    this.child.stdin.end();
    await this.ended;
  }
}
