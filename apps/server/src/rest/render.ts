import type { FastifyReply } from 'fastify';
import { asyncEnvelope, errorEnvelope, operationUrl, syncEnvelope } from './envelope.ts';
import { httpStatusOf, toDomainError } from './errors.ts';
import type { Answer } from './route.ts';

const jsonType = 'application/json';

/** Sends what a handler answered. */
export async function render(reply: FastifyReply, answer: Answer): Promise<FastifyReply> {
  switch (answer.kind) {
    case 'sync':
      if (answer.etag !== undefined) reply.header('ETag', answer.etag);
      return reply.code(200).type(jsonType).send(syncEnvelope(answer.value));
    case 'created':
      return reply.code(201).header('Location', answer.location).type(jsonType).send(syncEnvelope(answer.value));
    case 'async':
      return reply
        .code(202)
        .header('Location', operationUrl(answer.operation.id))
        .type(jsonType)
        .send(asyncEnvelope(answer.operation));
    case 'raw':
      return reply
        .code(200)
        .headers(answer.headers)
        .send(answer.body ?? undefined);
    case 'later':
      await renderLater(reply, answer.value);
      return reply;
  }
}

export function renderError(reply: FastifyReply, error: unknown): FastifyReply {
  const domainError = toDomainError(error);
  if (domainError.code === 'internal') reply.log.error({ err: error }, 'request failed');
  return reply.code(httpStatusOf[domainError.code]).type(jsonType).send(errorEnvelope(domainError));
}

/** `/wait`: the client learns at once that it is heard; the status line is gone by then, so that a late error travels in the body only. */
async function renderLater(reply: FastifyReply, value: Promise<unknown>): Promise<void> {
  reply.hijack();
  reply.raw.writeHead(200, { 'Content-Type': jsonType });
  reply.raw.flushHeaders();
  const envelope = await value.then(syncEnvelope, (error: unknown) => errorEnvelope(toDomainError(error)));
  if (!reply.raw.destroyed) reply.raw.end(JSON.stringify(envelope));
}
