import { eventTypes, type ServerEvent } from '@stapes/contract/event';
import { z } from 'zod';
import { streamOf } from './event-stream.ts';
import { admin, router } from './trpc.ts';

export const eventsRouter = router({
  subscribe: admin
    .input(
      z.object({
        types: z
          .array(z.enum(eventTypes))
          .min(1)
          .default([...eventTypes]),
      }),
    )
    .subscription(async function* ({ ctx, input, signal }) {
      const { services, context } = ctx;
      yield* streamOf<ServerEvent>(
        (listener, onOverflow) =>
          services.events.subscribe(context, { types: input.types, project: null }, listener, onOverflow),
        signal ?? new AbortController().signal,
      );
    }),
});
