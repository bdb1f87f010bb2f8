import { posix } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { FileEntry, FileTarget, InstanceFiles } from '../driver.ts';

interface Node {
  entry: FileEntry;
  content: Buffer;
}

/** Files in memory, by instance and path. Links are kept, not followed. */
export function fakeFiles(streamOf: (content: Buffer) => NodeJS.ReadableStream): InstanceFiles {
  const trees = new Map<string, Map<string, Node>>();
  const tree = (target: FileTarget) => {
    const known =
      trees.get(target.ref.id) ??
      new Map<string, Node>([['/', { entry: entry('directory', {}), content: Buffer.alloc(0) }]]);
    trees.set(target.ref.id, known);
    return known;
  };
  const find = (target: FileTarget): Node => {
    const node = tree(target).get(posix.resolve('/', target.path));
    if (!node) throw new DomainError('not-found', `${target.path} does not exist in the instance`);
    return node;
  };
  const put = (target: FileTarget, node: Node) => {
    const path = posix.resolve('/', target.path);
    if (tree(target).get(posix.dirname(path))?.entry.type !== 'directory')
      throw new DomainError('not-found', `The folder of ${target.path} does not exist in the instance`);
    tree(target).set(path, node);
  };
  const children = (target: FileTarget) => {
    const path = posix.resolve('/', target.path);
    return [...tree(target).keys()]
      .filter((name) => name !== '/' && posix.dirname(name) === path)
      .map((name) => posix.basename(name));
  };
  const describe = (target: FileTarget): FileEntry => {
    const node = find(target);
    return node.entry.type === 'directory'
      ? { ...node.entry, entries: children(target).sort() }
      : { ...node.entry, size: node.content.length };
  };
  return {
    stat: async (target) => describe(target),
    async read(target) {
      const found = describe(target);
      return { entry: found, stream: found.type === 'file' ? streamOf(find(target).content) : null };
    },
    async write(target, content, options) {
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(Buffer.from(chunk));
      const known = tree(target).get(posix.resolve('/', target.path));
      if (known && known.entry.type !== 'file')
        throw new DomainError('invalid', `${target.path} is not a regular file`);
      const before = known && options.append ? [known.content] : [];
      put(target, { entry: known?.entry ?? entry('file', options), content: Buffer.concat([...before, ...chunks]) });
    },
    async makeDirectory(target, options) {
      if (!tree(target).has(posix.resolve('/', target.path)))
        put(target, { entry: entry('directory', options), content: Buffer.alloc(0) });
    },
    async makeSymlink(target, linkTarget, options) {
      put(target, { entry: { ...entry('symlink', options), target: linkTarget }, content: Buffer.alloc(0) });
    },
    async remove(target, options) {
      find(target);
      const path = posix.resolve('/', target.path);
      if (children(target).length > 0 && !options.recursive)
        throw new DomainError('in-use', `${target.path} is not empty`);
      for (const name of [...tree(target).keys()])
        if (name === path || name.startsWith(`${path}/`)) tree(target).delete(name);
    },
  };
}

function entry(type: FileEntry['type'], options: { uid?: number; gid?: number; mode?: number }): FileEntry {
  return {
    type,
    uid: options.uid ?? 0,
    gid: options.gid ?? 0,
    mode: options.mode ?? (type === 'directory' ? 0o755 : 0o644),
    size: 0,
    modifiedMs: Date.now(),
  };
}
