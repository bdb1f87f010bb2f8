import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatCpus, parseCpus } from './limit-settings.ts';

const file = 'cpuset.cpus';
/** Cgroup that LXC makes inside the one with the limits, for the instance's processes. */
const inner = 'ns';

/**
 * Sets the CPUs of a cgroup of version 1, where a child's set always lies within its parent's: the kernel takes no set that cuts off a child (EBUSY)
 * and none that reaches beyond the parent (EACCES). So all that has to change is widened from the top, then narrowed from the bottom. What
 * the guest has chosen within the new set stays.
 */
export function writeCpus(directory: string, value: string): void {
  const wanted = parseCpus(value);
  const affected = [directory];
  const collect = (parent: string) => {
    for (const child of childrenOf(parent)) {
      const path = join(parent, child);
      const own = cpusOf(path);
      const outside = own.some((cpu) => !wanted.includes(cpu));
      if (!outside && path !== join(directory, inner)) continue;
      affected.push(path);
      collect(path);
    }
  };
  collect(directory);
  for (const path of affected) set(path, [...cpusOf(path), ...wanted]);
  for (const path of affected.reverse()) set(path, wanted);
}

function set(path: string, cpus: readonly number[]): void {
  writeFileSync(join(path, file), formatCpus([...new Set(cpus)].sort((a, b) => a - b)));
}

function cpusOf(path: string): number[] {
  const text = readFileSync(join(path, file), 'utf8').trim();
  return text === '' ? [] : parseCpus(text);
}

function childrenOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, file)))
    .map((entry) => entry.name);
}
