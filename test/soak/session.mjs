// A SQL session of the superuser that stays open: psql behind two pipes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../http/server.mjs';

export class Session {
  constructor(server, database = server.database) {
    this.child = spawn(join(ROOT, 'script', 'cluster'), ['psql', server.dir, '-d', database, '-At', '-v', 'ON_ERROR_STOP=0'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.received = []; // in the pieces in which it came: much would be slow to search again and again
    this.errors = '';
    this.number = 0;
    this.waiting = Promise.resolve();
    this.child.stdout.setEncoding('utf8').on('data', (data) => {
      this.received.push(data);
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
    const mark = `-- end ${(this.number += 1)} --\n`;
    return new Promise((resolve, reject) => {
      this.look = () => {
        // Nothing comes behind the mark before the next statement is sent.
        if (this.received.slice(-8).join('').endsWith(mark)) {
          const text = this.received.join('').slice(0, -mark.length).trimEnd();
          this.received = [];
          this.look = undefined;
          resolve(text);
        } else if (this.over) {
          reject(new Error(`the SQL session ended: ${this.errors.slice(-500)}`));
        }
      };
      this.child.stdin.write(`${sql};\n\\echo '${mark.trimEnd()}'\n`);
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
