import type { ServiceDeps } from './deps.ts';
import type { EventsService, OperationsService } from './services.ts';
import { admit } from './validate.ts';

const historyLength = 500;

export function createOperationsService({ engine }: ServiceDeps): OperationsService {
  return {
    list(context) {
      admit(context);
      return engine.list();
    },
    get(context, id) {
      admit(context);
      return engine.get(id);
    },
    async wait(context, id, timeoutS) {
      admit(context);
      return engine.wait(id, timeoutS);
    },
    async cancel(context, id) {
      admit(context);
      await engine.cancel(context, id);
    },
    async retry(context, id) {
      admit(context);
      return engine.retry(context, id);
    },
    async history(context) {
      admit(context);
      return engine.history(historyLength);
    },
    checkSecret(context, id, secret) {
      admit(context);
      engine.checkSecret(context, id, secret);
    },
    connect(context, id, secret, socket) {
      admit(context);
      engine.connectSocket(context, id, secret, socket);
    },
  };
}

export function createEventsService({ events }: ServiceDeps): EventsService {
  return {
    subscribe(context, { types, project }, listener, onOverflow) {
      admit(context);
      return events.subscribe({ types, project, onOverflow }, listener);
    },
  };
}
