import { errorCodes } from '@stapes/contract/errors';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { describe, expect, it } from 'vitest';
import type { Auth } from '../auth/auth.ts';
import type { Context, Permission } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { trpcCodes } from './errors.ts';
import { appRouter } from './router.ts';
import { createCaller } from './trpc.ts';

type Procedure = { _def: { meta?: { permission?: Permission }; type: string } };
const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, Procedure>);

/** All that a stranger can reach, by name: a new one has to be added here on purpose. */
const open = [
  'auth.login',
  'auth.logout',
  'auth.passkeyLogin',
  'auth.passkeyLoginOptions',
  'auth.setup',
  'auth.setupPasskey',
  'auth.setupPasskeyOptions',
  'auth.status',
  'server.info',
];

describe('the router', () => {
  it('states a permission for each procedure', () => {
    expect(procedures.length).toBeGreaterThan(70);
    for (const [name, procedure] of procedures)
      expect(procedure._def.meta?.permission, name).toMatch(/^(admin|public)$/);
  });
  it('leaves open to strangers only what is listed', () => {
    const found = procedures
      .filter(([, procedure]) => procedure._def.meta?.permission === 'public')
      .map(([name]) => name);
    expect(found.sort()).toEqual(open);
  });
  it.each(procedures.map(([name]) => name).filter((name) => !open.includes(name)))(
    'refuses a stranger at %s before it looks at the input',
    async (name) => {
      const context: Context = {
        identity: { username: '', protocol: 'none' },
        project: 'default',
        requestId: '1',
        address: '::1',
      };
      const untouched = new Proxy({}, { get: (_target, key) => expect.fail(`it reached ${String(key)}`) });
      const caller = createCaller(appRouter)({
        context,
        visitor: { address: '::1', userAgent: '' },
        services: untouched as Services,
        auth: untouched as Auth,
      });
      const [noun = '', verb = ''] = name.split('.');
      const nouns = caller as unknown as Record<string, Record<string, (input: unknown) => Promise<unknown>>>;
      await expect(nouns[noun]?.[verb]?.({})).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    },
  );
});

it('has a code of tRPC for each of ours', () => {
  for (const code of errorCodes) expect(TRPC_ERROR_CODES_BY_KEY).toHaveProperty(trpcCodes[code]);
});
