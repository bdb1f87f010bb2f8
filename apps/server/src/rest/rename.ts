import { DomainError } from '@stapes/contract/errors';

/** A field of a JSON body, when the body is an object that has it itself. */
export function fieldOf(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined;
  return (body as Record<string, unknown>)[name];
}

/** `name` of a rename. Its rules are the service's. */
export function newNameOf(body: unknown): string {
  const name = fieldOf(body, 'name');
  if (typeof name !== 'string' || name === '') {
    throw new DomainError('invalid', 'Give the new name as "name"', { details: { field: 'name' } });
  }
  return name;
}
