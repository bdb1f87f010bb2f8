import type { IdmapRange } from '../driver.ts';
export async function shiftRootfs(_rootfs: string, _idmap: IdmapRange | null): Promise<void> {}
