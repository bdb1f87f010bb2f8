import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { DomainError } from '@stapes/contract/errors';
import type { FileEntry } from '@stapes/runtime/instances/driver';
import { syncEnvelope } from './envelope.ts';
import { contentDisposition, dialectHeader, inBothDialects, numberHeader, rawHeaders } from './headers.ts';
import { done, param, type Answer, type Call, type Route } from './route.ts';

const maxId = 4294967294;

function pathOf(call: Call): string {
  const path = call.query.get('path') ?? '';
  if (path === '') throw new DomainError('invalid', 'Give the file as "path"', { details: { field: 'path' } });
  if (path.includes('\0') || path.length > 4096)
    throw new DomainError('invalid', 'This path cannot exist', { details: { field: 'path' } });
  return path.startsWith('/') ? path : `/${path}`;
}

/** What is known of a file, without its content. */
function entryHeaders(entry: FileEntry): Record<string, string> {
  return inBothDialects({
    uid: String(entry.uid),
    gid: String(entry.gid),
    mode: (entry.mode & 0o7777).toString(8).padStart(4, '0'),
    modified: new Date(entry.modifiedMs).toUTCString(),
    type: entry.type,
  });
}

async function read(call: Call): Promise<Answer> {
  const path = pathOf(call);
  const { entry, stream } = await call.services.files.read(call.context, param(call, 'name'), path);
  const headers = entryHeaders(entry);
  if (entry.type === 'directory') {
    const body = JSON.stringify(syncEnvelope(entry.entries ?? []));
    return { kind: 'raw', headers: { ...headers, ...rawHeaders('application/json') }, body };
  }
  const named = { ...headers, ...rawHeaders(), 'Content-Disposition': contentDisposition(basename(path)) };
  if (entry.type === 'symlink') return { kind: 'raw', headers: named, body: Buffer.from(entry.target ?? '') };
  return { kind: 'raw', headers: named, body: (stream as Readable | null) ?? Buffer.alloc(0) };
}

async function stat(call: Call): Promise<Answer> {
  const entry = await call.services.files.stat(call.context, param(call, 'name'), pathOf(call));
  return {
    kind: 'raw',
    headers: { ...entryHeaders(entry), ...rawHeaders(entry.type === 'directory' ? 'application/json' : undefined) },
    body: null,
  };
}

async function write(call: Call): Promise<Answer> {
  const type = dialectHeader(call.headers, 'type') || 'file';
  if (type !== 'file' && type !== 'directory' && type !== 'symlink') {
    throw new DomainError('invalid', 'The type is "file", "directory" or "symlink"', { details: { field: 'type' } });
  }
  const how = dialectHeader(call.headers, 'write') || 'overwrite';
  if (how !== 'overwrite' && how !== 'append')
    throw new DomainError('invalid', 'Write with "overwrite" or "append"', { details: { field: 'write' } });
  const uid = numberHeader(dialectHeader(call.headers, 'uid'), { name: 'uid', radix: 10, max: maxId });
  const gid = numberHeader(dialectHeader(call.headers, 'gid'), { name: 'gid', radix: 10, max: maxId });
  const mode = numberHeader(dialectHeader(call.headers, 'mode'), { name: 'mode', radix: 8, max: 0o7777 });
  await call.services.files.write(call.context, param(call, 'name'), pathOf(call), call.stream, {
    type,
    append: how === 'append',
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(mode === undefined ? {} : { mode }),
  });
  return done();
}

export const fileRoutes: Route[] = [
  { method: 'GET', path: '/1.0/instances/:name/files', permission: 'admin', handler: read },
  { method: 'HEAD', path: '/1.0/instances/:name/files', permission: 'admin', handler: stat },
  { method: 'POST', path: '/1.0/instances/:name/files', permission: 'admin', body: 'stream', handler: write },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name/files',
    permission: 'admin',
    handler: async (call) => {
      const recursive = ['true', '1'].includes(dialectHeader(call.headers, 'force') ?? '');
      await call.services.files.remove(call.context, param(call, 'name'), pathOf(call), { recursive });
      return done();
    },
  },
];
