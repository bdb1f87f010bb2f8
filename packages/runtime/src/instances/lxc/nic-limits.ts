import { DomainError } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';
import type { Limits } from '../driver.ts';

const anyExit = Array.from({ length: 256 }, (_, code) => code);
type NicLimit = Limits['nic'][number];

/**
 * What the instance receives leaves the host end of its veth and is shaped there (tbf). What it sends arrives there: the surplus is dropped by
 * an nftables ingress rule in a table of this NIC's own. (tc's policer would do the same, but not every kernel has it.)
 */
export async function applyNicLimits(nics: readonly NicLimit[]): Promise<void> {
  for (const nic of nics) {
    await run('tc', ['qdisc', 'del', 'dev', checked(nic.hostName), 'root'], { okCodes: anyExit });
    if (nic.ingressBps !== undefined) {
      const burst = Math.max(16_000, Math.round(nic.ingressBps / 8 / 50));
      const shape = ['tbf', 'rate', `${nic.ingressBps}bit`, 'burst', String(burst), 'latency', '100ms'];
      await run('tc', ['qdisc', 'add', 'dev', nic.hostName, 'root', ...shape]);
    }
    await removeNicLimits(nic.hostName);
    if (nic.egressBps !== undefined)
      await run('nft', ['-j', '--', JSON.stringify(egressRules(nic.hostName, nic.egressBps))]);
  }
}

/** A NIC's table outlives the NIC. Absent is fine. */
export async function removeNicLimits(hostName: string): Promise<void> {
  await run('nft', ['delete', 'table', 'netdev', tableOf(hostName)], { okCodes: anyExit });
}

export function egressRules(hostName: string, bitsPerSecond: number): object {
  const place = { family: 'netdev', table: tableOf(hostName) };
  const bytes = Math.max(1, Math.round(bitsPerSecond / 8));
  const limit = {
    rate: bytes,
    rate_unit: 'bytes',
    per: 'second',
    burst: Math.max(65_536, Math.round(bytes / 20)),
    burst_unit: 'bytes',
    inv: true,
  };
  return {
    nftables: [
      { add: { table: { family: 'netdev', name: place.table } } },
      {
        add: {
          chain: {
            ...place,
            name: 'egress',
            type: 'filter',
            hook: 'ingress',
            prio: 0,
            dev: checked(hostName),
            policy: 'accept',
          },
        },
      },
      { add: { rule: { ...place, chain: 'egress', expr: [{ limit }, { drop: null }] } } },
    ],
  };
}

function tableOf(hostName: string): string {
  return `stapes_limit_${checked(hostName).replace(/[^A-Za-z0-9]/g, '_')}`;
}

function checked(hostName: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(hostName))
    throw new DomainError('invalid', 'Not a name of a network interface');
  return hostName;
}
