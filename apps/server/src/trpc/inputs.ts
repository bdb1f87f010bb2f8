import { z } from 'zod';

/** Text that names something; services look closer. */
export const text = z.string().max(4096);
export const named = z.object({ name: text });
export const etag = text.optional();

/**
 * A request that its service validates itself, so that every door gives the same errors on the same fields. Here it only has its type.
 */
export const request = <T>() => z.custom<T>((value) => value !== undefined, 'The request is missing');
