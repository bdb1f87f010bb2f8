import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { contentSecurityPolicy, inlineScriptHashes } from './security-headers.ts';

export type Encoding = 'br' | 'gzip';

export interface StaticFile {
  path: string;
  sizeBytes: number;
  type: string;
  etag: string;
  cacheControl: string;
  /** For pages. */
  policy: string | null;
  /** The same content compressed ahead of time. */
  encoded: Partial<Record<Encoding, { path: string; sizeBytes: number }>>;
}

export interface StaticMap {
  /** By path of a URL, decoded; null when there is nothing. */
  find(urlPath: string): StaticFile | null;
  notFoundPage: StaticFile | null;
  /** False when the dashboard was not built. */
  isEmpty: boolean;
}

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  webmanifest: 'application/manifest+json',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  webp: 'image/webp',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
};
const encodings: Record<string, Encoding> = { br: 'br', gz: 'gzip' };

/** Reads a folder once. What is asked for later is looked up in this map: no path is ever made of what a client sent. */
export function createStaticMap(webDir: string): StaticMap {
  const files = new Map<string, StaticFile>();
  const all = listFiles(webDir);
  for (const path of all) if (!(extensionOf(path) in encodings)) files.set(urlOf(webDir, path), describe(path));
  for (const path of all) {
    const encoding = encodings[extensionOf(path)];
    const plain = encoding && files.get(urlOf(webDir, path.slice(0, path.lastIndexOf('.'))));
    if (plain) plain.encoded[encoding] = { path, sizeBytes: statSync(path).size };
  }
  const lookUp = (url: string) => files.get(url) ?? files.get(`${url}.html`) ?? files.get(`${url}/index.html`) ?? null;
  return {
    find(urlPath) {
      const url = urlPath.length > 1 ? urlPath.replace(/\/+$/, '') : urlPath;
      return url === '/' || url === '' ? (files.get('/index.html') ?? null) : lookUp(url);
    },
    notFoundPage: files.get('/404.html') ?? files.get('/404/index.html') ?? null,
    isEmpty: !files.has('/index.html'),
  };
}

function listFiles(directory: string): string[] {
  try {
    // Links are not followed: `isFile` is false for them.
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function extensionOf(path: string): string {
  return /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
}

function urlOf(webDir: string, path: string): string {
  return `/${relative(webDir, path).split(sep).join('/')}`;
}

function describe(path: string): StaticFile {
  const content = readFileSync(path);
  const extension = extensionOf(path);
  const isHashed = path.split(sep).join('/').includes('/_next/static/');
  return {
    path,
    sizeBytes: content.length,
    type: types[extension] ?? 'application/octet-stream',
    etag: createHash('sha256').update(content).digest('base64url').slice(0, 27),
    cacheControl: isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    policy: extension === 'html' ? contentSecurityPolicy(inlineScriptHashes(content.toString('utf8'))) : null,
    encoded: {},
  };
}
