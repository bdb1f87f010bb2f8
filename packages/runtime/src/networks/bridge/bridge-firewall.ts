import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../host/keyed-lock.ts';
import { applyNft, listTables, removeTable, replaceTable } from '../firewall/nft.ts';
import { networksTable } from '../firewall/network-rules.ts';
import { portsTable, type FilteredPort } from '../firewall/port-rules.ts';
import { listNetworkIds, networkPaths, readNetwork, readPorts } from './network-files.ts';

export interface Firewall {
  /** Puts the rules of all networks and ports in place, from the files, in one transaction. */
  render(options?: { without?: string }): Promise<void>;
  /** Whether somebody has flushed the rules. Looks at most twice a minute. */
  isLost(): Promise<boolean>;
}

const lookEveryMs = 30_000;

/** Two tables of our own for a state directory, of the families `inet` (NAT, forwarding, DHCP and DNS) and `bridge` (filters of ports). */
export function createFirewall({ stateDir, stateId }: { stateDir: string; stateId: () => string }): Firewall {
  const lock = new KeyedLock();
  const tableName = () => `stapes_${stateId()}`;
  let lookedAt = 0;

  async function collect(without: string | undefined) {
    const specs = [];
    const ports: FilteredPort[] = [];
    for (const id of await listNetworkIds(stateDir)) {
      const paths = networkPaths(stateDir, id);
      const spec = await readNetwork(paths);
      if (!spec) continue;
      specs.push(spec);
      const ipv6Network = spec.ipv6?.address ?? null;
      for (const port of await readPorts(paths)) if (port.portId !== without) ports.push({ ...port, ipv6Network });
    }
    return { specs, ports };
  }

  return {
    render: (options = {}) =>
      lock.run('nft', async () => {
        const { specs, ports } = await collect(options.without);
        const name = tableName();
        const hasPortRules = ports.some(({ isolated, filter }) => isolated || filter.mac || filter.ipv4 || filter.ipv6);
        const directory = join(stateDir, 'networks');
        await mkdir(directory, { recursive: true });
        const commands = [
          ...(specs.length > 0 ? replaceTable(networksTable(name, specs)) : removeTable({ family: 'inet', name })),
          ...(hasPortRules ? replaceTable(portsTable(name, ports)) : removeTable({ family: 'bridge', name })),
        ];
        await applyNft(commands, directory);
      }),
    async isLost() {
      if (Date.now() - lookedAt < lookEveryMs) return false;
      lookedAt = Date.now();
      return !(await listTables('inet')).includes(tableName());
    },
  };
}
