import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../host/keyed-lock.ts';
import { applyNft, listTables, removeTable, replaceTable } from '../firewall/nft.ts';
import { networksTable } from '../firewall/network-rules.ts';
import type { NetworkSpec, PortSpec } from '../driver.ts';
import { changePort, hasFilter, portsTable, type FilteredPort } from '../firewall/port-rules.ts';
import { listNetworkIds, networkPaths, readNetwork, readPorts } from './network-files.ts';

export interface Firewall {
  /** Puts the rules of all networks and ports in place, from the files, in one transaction. */
  render(): Promise<void>;
  /** Rules of one port, without touching those of others; `before` as its file said, null where there is none. */
  changePort(change: { spec: NetworkSpec; before: PortSpec | null; after: PortSpec | null }): Promise<void>;
  /** Whether somebody has flushed the rules. Looks at most twice a minute. */
  isLost(): Promise<boolean>;
}

const needsRules = (port: FilteredPort) => port.isolated || hasFilter(port);
const lookEveryMs = 30_000;

/** Two tables of our own for a state directory, of the families `inet` (NAT, forwarding, DHCP and DNS) and `bridge` (filters of ports). */
export function createFirewall({ stateDir, stateId }: { stateDir: string; stateId: () => string }): Firewall {
  const lock = new KeyedLock();
  const tableName = () => `stapes_${stateId()}`;
  let lookedAt = 0;

  async function inputDirectory(): Promise<string> {
    const directory = join(stateDir, 'networks');
    await mkdir(directory, { recursive: true });
    return directory;
  }

  async function collect(without?: string) {
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

  async function renderAll(without?: string): Promise<void> {
    const { specs, ports } = await collect(without);
    const name = tableName();
    await applyNft(
      [
        ...(specs.length > 0 ? replaceTable(networksTable(name, specs)) : removeTable({ family: 'inet', name })),
        ...(ports.some(needsRules) ? replaceTable(portsTable(name, ports)) : removeTable({ family: 'bridge', name })),
      ],
      await inputDirectory(),
    );
  }

  return {
    render: () => lock.run('nft', () => renderAll()),
    changePort: ({ spec, before, after }) =>
      lock.run('nft', async () => {
        const withNetwork = (port: PortSpec | null) => port && { ...port, ipv6Network: spec.ipv6?.address ?? null };
        const commands = changePort(tableName(), withNetwork(before), withNetwork(after));
        if (commands.length === 0) return;
        try {
          await applyNft(commands, await inputDirectory());
        } catch {
          // The kernel has not what the files say: the first filtered port, a reboot, or a crash in between.
          await renderAll(after ? undefined : before?.portId);
        }
      }),
    async isLost() {
      if (Date.now() - lookedAt < lookEveryMs) return false;
      lookedAt = Date.now();
      return !(await listTables('inet')).includes(tableName());
    },
  };
}
