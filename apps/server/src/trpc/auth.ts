import { DomainError } from '@stapes/contract/errors';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';
import type { NewSession } from '../auth/auth.ts';
import { text } from './inputs.ts';
import { admin, permitted, router, type TrpcContext } from './trpc.ts';

const anyone = permitted('public');
const passphrase = z.string().max(1024);
const token = z.string().max(256);
/** @simplewebauthn checks the content of a response itself. */
const registration = z.object({
  name: z.string().trim().min(1).max(64),
  response: z.custom<RegistrationResponseJSON>(isObject),
});

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function signIn(ctx: TrpcContext, session: NewSession | null): { signedIn: boolean } {
  if (!ctx.setSession) throw new DomainError('invalid', 'Sign in and out over HTTP, not over a websocket');
  ctx.setSession(session);
  return { signedIn: session !== null };
}

const signingIn = {
  setup: anyone
    .input(z.object({ token, passphrase }))
    .mutation(async ({ ctx, input }) => signIn(ctx, await ctx.auth.setup(ctx.visitor, input.token, input.passphrase))),
  setupPasskeyOptions: anyone
    .input(z.object({ token }))
    .mutation(({ ctx, input }) => ctx.auth.setupPasskeyOptions(ctx.visitor, input.token)),
  setupPasskey: anyone
    .input(registration.extend({ token }))
    .mutation(async ({ ctx, input }) => signIn(ctx, await ctx.auth.setupPasskey(ctx.visitor, input.token, input))),
  login: anyone
    .input(z.object({ passphrase }))
    .mutation(async ({ ctx, input }) => signIn(ctx, await ctx.auth.login(ctx.visitor, input.passphrase))),
  passkeyLoginOptions: anyone.mutation(({ ctx }) => ctx.auth.passkeyLoginOptions(ctx.visitor)),
  passkeyLogin: anyone
    .input(z.object({ response: z.custom<AuthenticationResponseJSON>(isObject) }))
    .mutation(async ({ ctx, input }) => signIn(ctx, await ctx.auth.passkeyLogin(ctx.visitor, input.response))),
  logout: anyone.mutation(async ({ ctx }) => {
    await ctx.auth.logout(ctx.context);
    return signIn(ctx, null);
  }),
};

export const authRouter = router({
  ...signingIn,
  status: anyone.query(({ ctx }) => ctx.auth.status(ctx.context)),
  passkeys: admin.query(({ ctx }) => ctx.auth.passkeys(ctx.context)),
  addPasskeyOptions: admin.mutation(({ ctx }) => ctx.auth.addPasskeyOptions(ctx.context)),
  addPasskey: admin.input(registration).mutation(({ ctx, input }) => ctx.auth.addPasskey(ctx.context, input)),
  removePasskey: admin
    .input(z.object({ id: text }))
    .mutation(({ ctx, input }) => ctx.auth.removePasskey(ctx.context, input.id)),
  sessions: admin.query(({ ctx }) => ctx.auth.sessions(ctx.context)),
  revokeSession: admin
    .input(z.object({ id: text }))
    .mutation(({ ctx, input }) => ctx.auth.revokeSession(ctx.context, input.id)),
  changePassphrase: admin
    .input(z.object({ current: passphrase, next: passphrase }))
    .mutation(({ ctx, input }) => ctx.auth.changePassphrase(ctx.context, input)),
});
