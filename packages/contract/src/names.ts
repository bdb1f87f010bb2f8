import { z } from 'zod';

/** One validator a kind of name; every entry point (create, rename, import, copy) uses the same. Nothing here can be `.`, `..`, hold `/`, a control character or lead with `-`. */

/** Host name rules: 1 to 63 of letters, digits, `-`; starts with a letter or digit, does not end with `-`, is not all digits. */
export const instanceNameSchema = z
  .string()
  .min(1, 'Give a name')
  .max(63, 'A name has at most 63 characters')
  .regex(
    /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
    'Use letters, digits and "-"; start and end with a letter or digit',
  )
  .refine((name) => !/^[0-9]+$/.test(name), 'A name cannot be digits only');

const objectName = (kind: string, max = 64) =>
  z
    .string()
    .min(1, `Give the ${kind} a name`)
    .max(max, `The name of a ${kind} has at most ${max} characters`)
    .regex(
      /^[a-zA-Z0-9_]([a-zA-Z0-9._-]*[a-zA-Z0-9_])?$/,
      `Use letters, digits, ".", "-" and "_" in the name of a ${kind}`,
    )
    .refine((name) => name !== '.' && !name.includes('..'), `The name of a ${kind} cannot hold ".."`);

export const snapshotNameSchema = objectName('snapshot');
export const profileNameSchema = objectName('profile');
export const projectNameSchema = objectName('project');
export const poolNameSchema = objectName('storage pool');
export const deviceNameSchema = objectName('device');

/** A managed bridge is a Linux interface: at most 15 characters (IFNAMSIZ less one). */
export const networkNameSchema = z
  .string()
  .min(2, 'A network name has 2 to 15 characters')
  .max(15, 'A network name has 2 to 15 characters')
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, 'Use letters, digits, ".", "-" and "_" in the name of a network')
  .refine((name) => !name.includes('..'), 'The name of a network cannot hold ".."');

/** Image alias: may hold `/` (`debian/12`), each part as an object name. */
export const aliasNameSchema = z
  .string()
  .min(1, 'Give an alias')
  .max(128, 'An alias has at most 128 characters')
  .regex(
    /^[a-zA-Z0-9_][a-zA-Z0-9._-]*(\/[a-zA-Z0-9_][a-zA-Z0-9._-]*)*$/,
    'Use letters, digits, ".", "-", "_" and "/" in an alias',
  )
  .refine((name) => !name.includes('..'), 'An alias cannot hold ".."');

/** Whole fingerprint: SHA-256 in 64 lower-case hex digits. */
export const fingerprintSchema = z.string().regex(/^[0-9a-f]{64}$/, 'A fingerprint is 64 lower-case hex digits');
/** Start of a fingerprint, as users type it. */
export const fingerprintPrefixSchema = z
  .string()
  .regex(/^[0-9a-f]{1,64}$/, 'A fingerprint holds lower-case hex digits only');

const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
/** True when the text holds CR, LF, NUL or any other control character or line separator. */
export function hasControlCharacter(text: string): boolean {
  return controlCharacter.test(text);
}
