import type { InstanceStatus } from './instance.ts';

/** Which action an instance's state allows; read by the services' guards and by the dashboard's buttons alike. */
export type InstanceAbility =
  | 'start'
  | 'stop'
  | 'restart'
  | 'freeze'
  | 'unfreeze'
  | 'delete'
  | 'rename'
  | 'snapshot'
  | 'restore'
  | 'copy'
  | 'exec'
  | 'console'
  | 'files'
  | 'configure';

const abilities: Record<InstanceAbility, { in: readonly InstanceStatus[]; reason: string }> = {
  start: { in: ['Stopped', 'Frozen', 'Error'], reason: 'It is running already' },
  stop: { in: ['Running', 'Frozen', 'Error'], reason: 'It is not running' },
  restart: { in: ['Running', 'Frozen'], reason: 'It is not running; start it instead' },
  freeze: { in: ['Running'], reason: 'Only a running instance can be frozen' },
  unfreeze: { in: ['Frozen'], reason: 'It is not frozen' },
  delete: { in: ['Stopped', 'Error'], reason: 'Stop it first' },
  rename: { in: ['Stopped', 'Error'], reason: 'Stop it first' },
  snapshot: { in: ['Running', 'Stopped', 'Frozen', 'Error'], reason: 'Wait until it has started or stopped' },
  restore: { in: ['Running', 'Stopped', 'Frozen', 'Error'], reason: 'Wait until it has started or stopped' },
  copy: { in: ['Running', 'Stopped', 'Frozen', 'Error'], reason: 'Wait until it has started or stopped' },
  exec: { in: ['Running'], reason: 'Start it first' },
  console: { in: ['Running'], reason: 'Start it first' },
  files: { in: ['Running', 'Stopped', 'Frozen'], reason: 'Wait until it has started or stopped' },
  configure: { in: ['Running', 'Stopped', 'Frozen', 'Error'], reason: 'Wait until it has started or stopped' },
};

/** Null when the action is allowed, else the reason why it is not, as a sentence for people. */
export function whyNot(action: InstanceAbility, status: InstanceStatus): string | null {
  const ability = abilities[action];
  return ability.in.includes(status) ? null : ability.reason;
}
