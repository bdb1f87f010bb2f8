import { randomInt } from 'node:crypto';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const alphabet = `${letters}0123456789`;

/** 16 characters of [a-z0-9], the first a letter: safe as a file, cgroup, subvolume or host name; 80 random bits. */
export function mintId(): string {
  let id = letters.charAt(randomInt(letters.length));
  while (id.length < 16) id += alphabet.charAt(randomInt(alphabet.length));
  return id;
}
