// The memory that a process took at its highest, beside what it shares.
import { readFileSync, writeFileSync } from 'node:fs';

const MB = 1024 * 1024;

function status(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]) * 1024;
}

// From now on the highest counts (proc_pid_clear_refs(5)).
export const forgetPeak = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5');

export function held(pid) {
  return status(pid)('RssAnon');
}

// What is shared and read from files only grows meanwhile, so what is left of the peak is the process's own.
export function peak(pid) {
  const of = status(pid);
  return of('VmHWM') - of('RssShmem') - of('RssFile');
}

export const inMB = (bytes) => Math.round(bytes / MB);
