import { whyNot, type InstanceAbility } from '@stapes/contract/abilities';
import type { InstanceFull } from '@stapes/contract/instance';

export type BulkVerb = 'start' | 'stop' | 'restart' | 'freeze' | 'unfreeze' | 'delete';
export const bulkVerbs: readonly (readonly [BulkVerb, string])[] = [
  ['start', 'Start'],
  ['stop', 'Stop'],
  ['restart', 'Restart'],
  ['freeze', 'Freeze'],
  ['unfreeze', 'Unfreeze'],
  ['delete', 'Delete'],
];

export interface BulkChoice {
  /** Those of the selection to which the action can be done now. */
  names: string[];
  /** Why it can be done to none; null when there is at least one. */
  reason: string | null;
}

/** Reads the same table of abilities as the server's guards. A frozen instance is unfrozen, not started, from here. */
export function bulkChoice(verb: BulkVerb, selected: readonly InstanceFull[]): BulkChoice {
  const ability: InstanceAbility = verb;
  const reasons = selected.map((instance) => {
    if (verb === 'delete' && instance.expanded_config['security.protection.delete'] === 'true')
      return 'It is protected from deletion (security.protection.delete)';
    return whyNot(ability, instance.status);
  });
  const names = selected.flatMap((instance, index) => (reasons[index] === null ? [instance.name] : []));
  if (names.length > 0) return { names, reason: null };
  const [first] = reasons;
  const same = reasons.every((reason) => reason === first);
  return {
    names,
    reason:
      selected.length === 0
        ? 'Select instances first'
        : same && first
          ? first
          : 'None of the selected instances is in a state for it',
  };
}
