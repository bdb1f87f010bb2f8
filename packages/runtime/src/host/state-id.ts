import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';

/** Eight hex digits that stand for a state directory in the names of cgroups, nftables tables and veths, so that two servers never meet. */
export function stateId(stateDir: string): string {
  return createHash('sha256').update(realpathSync(stateDir)).digest('hex').slice(0, 8);
}
