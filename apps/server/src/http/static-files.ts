import { createReadStream } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { strictPolicy } from './security-headers.ts';
import type { Encoding, StaticFile, StaticMap } from './static-map.ts';

/** Best encoding that the client takes and that was made ahead of time. */
export function chooseEncoding(accept: string | undefined, file: StaticFile): Encoding | null {
  const accepted = new Set(
    (accept ?? '')
      .split(',')
      .map((part) => part.trim().toLowerCase())
      .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
      .map((part) => part.split(';')[0]),
  );
  return (['br', 'gzip'] as const).find((encoding) => accepted.has(encoding) && file.encoded[encoding]) ?? null;
}

function isCurrent(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((part) => part.trim().replace(/^W\//, '') === etag);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: StaticFile, status: number): FastifyReply {
  const encoding = chooseEncoding(request.headers['accept-encoding'], file);
  const variant = (encoding && file.encoded[encoding]) || file;
  const etag = `"${file.etag}${encoding ? `-${encoding}` : ''}"`;
  void reply.code(status).headers({ 'cache-control': file.cacheControl, etag, vary: 'Accept-Encoding' });
  void reply.header('content-security-policy', file.policy ?? strictPolicy);
  if (status === 200 && isCurrent(request.headers['if-none-match'], etag)) return reply.code(304).send();
  if (encoding) void reply.header('content-encoding', encoding);
  void reply.headers({ 'content-type': file.type, 'content-length': variant.sizeBytes });
  return request.method === 'HEAD' ? reply.send() : reply.send(createReadStream(variant.path));
}

function decodePath(url: string): string | null {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '');
  } catch {
    return null;
  }
}

/** Hands out the dashboard. The shell is public: it holds nothing but code. */
export function registerStaticFiles(app: FastifyInstance, map: StaticMap): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    handler: (request, reply) => {
      if (map.isEmpty) {
        return reply
          .code(503)
          .type('text/plain')
          .send('The dashboard is not built yet: run `npm run build`, then restart.\n');
      }
      const path = decodePath(request.url);
      const file = path === null ? null : map.find(path);
      if (file && file !== map.notFoundPage) return sendFile(request, reply, file, 200);
      if (map.notFoundPage) return sendFile(request, reply, map.notFoundPage, 404);
      return reply.code(404).type('text/plain').send('Not found\n');
    },
  });
}
