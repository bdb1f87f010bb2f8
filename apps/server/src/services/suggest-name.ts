import { randomInt } from 'node:crypto';
import type { Store } from '../store/store.ts';

const onsets = [
  'b',
  'br',
  'd',
  'dr',
  'f',
  'fl',
  'g',
  'gr',
  'h',
  'k',
  'l',
  'm',
  'n',
  'p',
  'pr',
  'r',
  's',
  'st',
  't',
  'tr',
  'v',
  'w',
];
const vowels = ['a', 'e', 'i', 'o', 'u', 'ai', 'ea', 'io'];
const codas = ['', '', 'l', 'm', 'n', 'r', 's', 'th', 'x'];
const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T;

function pronounceable(): string {
  return `${pick(onsets)}${pick(vowels)}${pick(onsets)}${pick(vowels)}${pick(codas)}`;
}

/** A free, pronounceable name such as `brealin`. */
export async function suggestName(store: Store, project: string): Promise<string> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const name = pronounceable();
    if (!(await store.instances.findByName(project, name))) return name;
  }
  return `${pronounceable()}-${randomInt(1_000_000)}`;
}
