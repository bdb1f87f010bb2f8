import type { BaseDeps } from '../services/deps.ts';
import type { Power } from '../services/power.ts';
import type { Templates } from '../services/templates.ts';

/** What steps work with; sagas never see the engine that runs them. */
export interface SagaDeps extends BaseDeps {
  power: Power;
  templates: Templates;
}

/** Undo of a step that leaves nothing to take back (a cache, a check). Not the marker of a step that destroys. */
export const leaveAsIs = async (): Promise<void> => undefined;
