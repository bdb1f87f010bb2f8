import { allocateIdmap, readHostRange } from '@stapes/runtime/instances/idmap';
import type { Config } from '@stapes/contract/instance';
import type { IdmapRange } from '@stapes/runtime/instances/driver';
import type { BaseDeps } from './deps.ts';
import { isTrue } from './validate.ts';

const parseRange = (text: string | undefined): IdmapRange | null => {
  const match = /^(\d+):(\d+)$/.exec(text ?? '');
  return match ? { hostBase: Number(match[1]), size: Number(match[2]) } : null;
};

/** Ranges that isolated instances hold now or will hold at their next start, those of creates on their way included. */
async function takenRanges(deps: BaseDeps, exceptId: string): Promise<IdmapRange[]> {
  const rows = new Map(
    [...deps.live.reserved.values(), ...(await deps.store.instances.list())].map((row) => [row.id, row]),
  );
  const taken: IdmapRange[] = [];
  for (const row of rows.values()) {
    if (row.id === exceptId || !row.config['volatile.idmap.base']) continue;
    for (const key of ['volatile.idmap.next', 'volatile.idmap.current']) {
      const range = parseRange(row.config[key]);
      if (range) taken.push(range);
    }
  }
  return taken;
}

/**
 * `volatile.idmap.*` for what the effective configuration asks for. `volatile.idmap.base` is set for isolated ranges only. A range that still fits is kept, so that
 * files need not be shifted. The caller holds the `idmap` lock of this process until the row is stored or reserved.
 */
export async function withIdmap(deps: BaseDeps, id: string, config: Config, effective: Config): Promise<Config> {
  const rest = Object.fromEntries(
    Object.entries(config).filter(([key]) => key !== 'volatile.idmap.base' && key !== 'volatile.idmap.next'),
  );
  if (isTrue(effective['security.privileged'])) return rest;
  const isolated = isTrue(effective['security.idmap.isolated']);
  const base = effective['security.idmap.base'] ? Number(effective['security.idmap.base']) : undefined;
  const size = effective['security.idmap.size'] ? Number(effective['security.idmap.size']) : undefined;
  const now = parseRange(config['volatile.idmap.next']);
  const wasIsolated = config['volatile.idmap.base'] !== undefined;
  const fits =
    now !== null &&
    wasIsolated === isolated &&
    (base === undefined || base === now.hostBase) &&
    now.size === (size ?? (isolated ? 65536 : now.size));
  const range = fits
    ? now
    : allocateIdmap(readHostRange(), await takenRanges(deps, id), {
        isolated,
        ...(base === undefined ? {} : { base }),
        ...(size === undefined ? {} : { size }),
      });
  return {
    ...rest,
    ...(isolated ? { 'volatile.idmap.base': String(range.hostBase) } : {}),
    'volatile.idmap.next': `${range.hostBase}:${range.size}`,
  };
}
