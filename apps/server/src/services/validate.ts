import { checkConfig, checkDevices } from '@stapes/contract/config-keys/registry';
import type { ConfigScope } from '@stapes/contract/config-keys/declare';
import { DomainError } from '@stapes/contract/errors';
import type { Config, Devices, InstanceType } from '@stapes/contract/instance';
import type { z } from 'zod';
import { authorise, type Context } from './context.ts';

/** First line of every method: who asks may, and the project is one that exists. */
export function admit(context: Context): void {
  authorise(context, 'admin');
  if (context.project !== 'default') {
    throw new DomainError('not-found', `There is no project "${context.project}"`, { details: { field: 'project' } });
  }
}

/** Parses a request; the first thing that is wrong becomes an error that names its field. */
export function parse<T>(schema: z.ZodType<T>, input: unknown, at = ''): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [at, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.');
  throw new DomainError('invalid', `${field ? `${field}: ` : ''}${issue?.message ?? 'The request is malformed'}`, {
    details: field ? { field } : {},
  });
}

export function invalid(field: string, message: string): DomainError {
  return new DomainError('invalid', `${field}: ${message}`, { details: { field } });
}

/** Checks configuration keys against the registry. */
export function requireConfig(
  scope: ConfigScope,
  config: Config,
  options: { instanceType?: InstanceType; allowReadOnly?: boolean } = {},
): void {
  const problem = checkConfig(scope, config, options)[0];
  if (problem) throw invalid(`config.${problem.key}`, problem.message);
}

export function requireDevices(devices: Devices, instanceType?: InstanceType): void {
  const problem = checkDevices(devices, instanceType)[0];
  if (problem) throw invalid(`devices.${problem.device}.${problem.key}`, problem.message);
}

/** Without the keys whose value is empty: that is how the API unsets. */
export function withoutEmpty(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''));
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(true|1|yes|on)$/i.test(value);
}

/** True unless it says no; for keys that are on by default. */
export function isNotFalse(value: string | undefined): boolean {
  return value === undefined || value === '' || isTrue(value);
}
