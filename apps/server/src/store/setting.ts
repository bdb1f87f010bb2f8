import type { PrismaClient } from './generated/client.ts';
import type { Store } from './store.ts';

export function createSettingTable(prisma: PrismaClient): Store['settings'] {
  return {
    async all() {
      return Object.fromEntries((await prisma.setting.findMany()).map(({ key, value }) => [key, value]));
    },
    async set(key, value) {
      if (value === null) await prisma.setting.deleteMany({ where: { key } });
      else await prisma.setting.upsert({ where: { key }, create: { key, value }, update: { value } });
    },
  };
}
