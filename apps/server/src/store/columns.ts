import { z } from 'zod';
import { imageMetadataSchema } from '@stapes/contract/image';
import { instanceTypes } from '@stapes/contract/instance';

/** Shapes of columns that several tables share. Looser than the API's: what was stored once must stay readable. */
export const strings = z.custom<Record<string, string>>(isStrings, 'Not a map of texts');
export const deviceMap = z.custom<Record<string, Record<string, string>>>(
  (value) => isRecordOf(value, isStrings),
  'Not a map of devices',
);
export const phase = z.enum(['creating', 'ready', 'deleting']);
export const instanceType = z.enum(instanceTypes);
export const metadata = imageMetadataSchema;
export const time = z.number().int();

/** By hand, because lists of thousands of rows go through it: several times quicker than a schema of records. */
function isRecordOf(value: unknown, accepts: (item: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(accepts);
}

function isStrings(value: unknown): boolean {
  return isRecordOf(value, (item) => typeof item === 'string');
}
