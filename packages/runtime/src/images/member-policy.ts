import { DomainError } from '@stapes/contract/errors';
import { printable, type TarMember } from './tar/member.ts';

const maxPathBytes = 4096;
const maxNameBytes = 255;
const maxDepth = 256;

/** What a path was admitted as; a directory is implied when only members beneath it were seen so far. */
type Seen =
  { type: 'directory'; implied: boolean } | { type: 'file' } | { type: 'symlink'; target: string } | { type: 'other' };

export interface Admitted {
  /** Normalised: no leading or trailing slash, no `.`; empty for the root of the archive. */
  path: string;
  /** Parents that no member has named; they have to be made first, outermost first. */
  impliedParents: string[];
  /** The member under its normalised names; null when it is passed over (device nodes: a container gets a /dev of its own). */
  member: TarMember | null;
}

/**
 * Decides on every member of a hostile archive before anything of it is written: names stay beneath the root, nothing comes twice, every
 * parent is a directory of this archive (so never a link), hard links point to files that came before. Counts and sizes are bounded.
 */
export class MemberPolicy {
  private readonly seen = new Map<string, Seen>();
  private entries = 0;
  private bytes = 0;
  private readonly limits: { maxEntries: number; maxBytes: number };

  constructor(limits: { maxEntries: number; maxBytes: number }) {
    this.limits = limits;
  }

  get bytesAdmitted(): number {
    return this.bytes;
  }

  admit(member: TarMember): Admitted {
    this.count(member);
    const path = normalise(member.name, 'member');
    if (path === '') {
      if (member.type !== 'directory') throw refused(member.name, 'the root of the archive must be a directory');
      return { path, impliedParents: [], member: { ...member, name: '.' } };
    }
    const impliedParents = this.requireParents(path);
    const before = this.seen.get(path);
    if (before && !(before.type === 'directory' && before.implied && member.type === 'directory'))
      throw refused(path, 'it comes twice');
    return { path, impliedParents, member: this.record(path, member) };
  }

  private count(member: TarMember): void {
    this.entries++;
    this.bytes += member.size;
    if (this.entries > this.limits.maxEntries)
      throw new DomainError('too-large', `The archive has more than ${this.limits.maxEntries} members`);
    if (this.bytes > this.limits.maxBytes)
      throw new DomainError('too-large', `The archive unpacks to more than ${this.limits.maxBytes} bytes`);
  }

  private requireParents(path: string): string[] {
    const implied: string[] = [];
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash);
      const seen = this.seen.get(parent);
      if (seen && seen.type !== 'directory')
        throw refused(path, `its parent "${printable(parent)}" is not a directory`);
      if (seen) continue;
      // They take room like any other.
      this.entries++;
      this.seen.set(parent, { type: 'directory', implied: true });
      implied.push(parent);
    }
    return implied;
  }

  private record(path: string, member: TarMember): TarMember | null {
    switch (member.type) {
      case 'directory':
        this.seen.set(path, { type: 'directory', implied: false });
        return { ...member, name: path };
      case 'file':
        this.seen.set(path, { type: 'file' });
        return { ...member, name: path };
      case 'symlink':
        requireTarget(path, member.linkTarget);
        this.seen.set(path, { type: 'symlink', target: member.linkTarget });
        return { ...member, name: path };
      case 'hardlink':
        return this.recordHardLink(path, member);
      case 'fifo':
        this.seen.set(path, { type: 'other' });
        return { ...member, name: path };
      default:
        this.seen.set(path, { type: 'other' });
        return null;
    }
  }

  /** A hard link to a symbolic link becomes a copy of that link, so that no link is ever made to a link. */
  private recordHardLink(path: string, member: TarMember): TarMember {
    const target = normalise(member.linkTarget, 'hard link target');
    const seen = this.seen.get(target);
    if (seen?.type === 'symlink') {
      this.seen.set(path, seen);
      return { ...member, name: path, type: 'symlink', linkTarget: seen.target };
    }
    if (seen?.type !== 'file')
      throw refused(path, `it is a hard link to "${printable(target)}", which is no file that came before it`);
    this.seen.set(path, { type: 'file' });
    return { ...member, name: path, linkTarget: target };
  }
}

function requireTarget(path: string, target: string): void {
  if (target === '' || target.length > maxPathBytes - 1) throw refused(path, 'its link target is empty or too long');
}

function normalise(name: string, what: string): string {
  if (name === '' || name.length > maxPathBytes) throw refused(name, `a ${what} with an empty or too long name`);
  if (name.startsWith('/')) throw refused(name, `an absolute ${what} name`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > maxDepth) throw refused(name, `a ${what} name deeper than ${maxDepth} directories`);
  for (const part of parts) {
    if (part === '..') throw refused(name, `a ${what} name with ".."`);
    if (part.length > maxNameBytes) throw refused(name, `a ${what} name of more than ${maxNameBytes} bytes`);
  }
  return parts.join('/');
}

export function refused(name: string, why: string): DomainError {
  return new DomainError('invalid', `The archive member "${printable(name)}" is refused: ${why}`);
}
