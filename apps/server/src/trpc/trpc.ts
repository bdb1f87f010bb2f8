import { isDomainError } from '@stapes/contract/errors';
import { initTRPC } from '@trpc/server';
import type { Auth, NewSession, Visitor } from '../auth/auth.ts';
import { authorise, type Context, type Permission } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { domainShape, toTrpcError } from './errors.ts';

/** A request as the procedures see it. */
export interface TrpcContext {
  context: Context;
  visitor: Visitor;
  services: Services;
  auth: Auth;
  /** Sets the session cookie of the answer, or clears it; absent on a websocket, where no header can follow. */
  setSession?: ((session: NewSession | null) => void) | undefined;
}

export interface ProcedureMeta {
  permission: Permission;
}

const t = initTRPC
  .context<TrpcContext>()
  .meta<ProcedureMeta>()
  .create({
    isDev: false,
    errorFormatter: ({ shape, error }) => {
      const domain = domainShape(error);
      return { ...shape, message: domain.message, data: { ...shape.data, domain } };
    },
  });

export const router = t.router;
export const createCaller = t.createCallerFactory;

/** The only way to build a procedure: whoever writes one states who may call it. */
export function permitted(permission: Permission) {
  return t.procedure.meta({ permission }).use(async ({ ctx, next }) => {
    try {
      authorise(ctx.context, permission);
    } catch (error) {
      throw isDomainError(error) ? toTrpcError(error) : error;
    }
    const result = await next();
    if (!result.ok && isDomainError(result.error.cause)) throw toTrpcError(result.error.cause);
    return result;
  });
}

/** Most procedures are for whoever has signed in. */
export const admin = permitted('admin');
