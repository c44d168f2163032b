// The server's processes as the kernel shows them.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
};

// Kilobytes. Memory of its own is what grows when a process leaks; what is resident counts shared memory too.
export function memory(pid) {
  const text = read(`/proc/${pid}/smaps_rollup`);
  const field = (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
  return { resident: field('Rss'), own: field('Anonymous') };
}

// How many descriptors are open: of files, which PostgreSQL keeps open by design, and of everything else.
export function descriptors(pid) {
  const found = { files: 0, others: 0 };
  let names = [];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return found;
  }
  for (const name of names) {
    let target = '';
    try {
      target = readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      continue;
    }
    if (target.startsWith('/')) found.files += 1;
    else found.others += 1;
  }
  return found;
}

// The segments of dynamic shared memory that these processes have mapped, and their size in kB.
export function segments(pids) {
  const paths = new Set();
  for (const pid of pids)
    for (const match of read(`/proc/${pid}/maps`).matchAll(/ (\/dev\/shm\/PostgreSQL\.\d+)$/gm)) paths.add(match[1]);
  let size = 0;
  for (const path of paths) {
    try {
      size += statSync(path).size / 1024;
    } catch {
      // gone in the meantime
    }
  }
  return { paths: [...paths], size };
}

export const exists = (path) => {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
};
