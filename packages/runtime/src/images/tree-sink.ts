import { once } from 'node:events';
import { DomainError } from '@stapes/contract/errors';
import { spawnProcess } from '../host/run.ts';
import type { TarMember } from './tar/member.ts';
import { endOfArchive, formatHeader, zeros } from './tar/tar-writer.ts';

const gatherBytes = 512 * 1024;

/** Extended attributes that an image may bring: file capabilities and the user's own. Others mean something to the host. */
function isAllowed(key: string, value: Buffer): boolean {
  if (key === 'SCHILY.xattr.security.capability') return value.length === 20 || value.length === 24;
  if (key.startsWith('SCHILY.xattr.user.')) return value.length <= 65536;
  if (key === 'SCHILY.acl.access' || key === 'SCHILY.acl.default') {
    return (
      value.length <= 65536 &&
      /^(?:(?:user|group|mask|other):(?:\d{0,10}):[r-][w-][x-](?::\d{1,10})?[\n,]?)+$/.test(value.toString('latin1'))
    );
  }
  return false;
}

/**
 * Writes a root file system through `tar`, which never sees the hostile archive: only the canonical one that is made here of members that
 * passed the policy. So it cannot read a header in another way than the policy did, and what it is told has no name twice, no link as a
 * parent and no hard link but to a file just made, in a directory that was empty.
 */
export class TreeSink {
  private readonly child: ReturnType<typeof spawnProcess>;
  private readonly closed: Promise<number | null>;
  private stderr = '';
  private contentBytes = 0;
  private pending: Buffer[] = [];
  private pendingBytes = 0;

  constructor(directory: string) {
    const owner = process.getuid?.() === 0 ? '--same-owner' : '--no-same-owner';
    const args = [
      '--extract',
      '--file=-',
      `--directory=${directory}`,
      '--numeric-owner',
      owner,
      '--preserve-permissions',
    ];
    args.push('--delay-directory-restore', '--xattrs', '--xattrs-include=*', '--acls', '--warning=no-timestamp');
    this.child = spawnProcess('tar', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    this.child.stderr?.on('data', (text: Buffer) => (this.stderr = (this.stderr + text.toString()).slice(-8192)));
    this.child.stdin?.on('error', () => undefined); // its end is reported with what it said
    this.closed = new Promise((resolve) => {
      this.child.on('close', (code) => resolve(code));
      this.child.on('error', () => resolve(null));
    });
  }

  async member(member: TarMember): Promise<void> {
    const attributes = new Map([...member.attributes].filter(([key, value]) => isAllowed(key, value)));
    await this.write(zeros(this.contentBytes));
    await this.write(formatHeader({ ...member, attributes }));
    this.contentBytes = 0;
  }

  async content(chunk: Buffer): Promise<void> {
    this.contentBytes += chunk.length;
    await this.write(chunk);
  }

  async finish(): Promise<void> {
    await this.write(zeros(this.contentBytes));
    await this.write(endOfArchive);
    await this.flush();
    this.child.stdin?.end();
    if ((await this.closed) !== 0) throw this.failure();
  }

  /** Ends `tar`, whatever it is at, and waits for that: nobody writes into the directory afterwards. */
  async abandon(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.closed;
  }

  /** Small pieces are gathered: a system call for each would cost more than all the rest. */
  private async write(bytes: Buffer): Promise<void> {
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    if (this.pendingBytes >= gatherBytes) await this.flush();
  }

  private async flush(): Promise<void> {
    const { stdin } = this.child;
    const bytes = Buffer.concat(this.pending, this.pendingBytes);
    this.pending = [];
    this.pendingBytes = 0;
    if (!stdin || stdin.destroyed) {
      await this.closed;
      throw this.failure();
    }
    if (stdin.write(bytes)) return;
    const ended = await Promise.race([
      once(stdin, 'drain').then(
        () => false,
        () => true,
      ),
      this.closed.then(() => true),
    ]);
    if (!ended) return;
    await this.closed;
    throw this.failure();
  }

  private failure(): DomainError {
    const lines = this.stderr
      .trim()
      .split('\n')
      .filter((line) => !/Exiting with failure/.test(line));
    const full = /no space left|quota exceeded/i.test(this.stderr);
    const why = lines.slice(-2).join('; ') || 'tar ended early';
    return new DomainError(
      full ? 'no-space' : 'internal',
      full ? `There is no space left to unpack the image: ${why}` : `Cannot unpack the image: ${why}`,
      {
        details: { stderr: lines.slice(-20).join('\n') },
      },
    );
  }
}
