import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DomainError, isDomainError, messageOf } from '@stapes/contract/errors';
import { createAliasTable } from './alias.ts';
import { openDatabase, SingleConnectionAdapter } from './connection.ts';
import { PrismaClient } from './generated/client.ts';
import { createImageTable } from './image.ts';
import { createInstanceTable } from './instance.ts';
import { migrate } from './migrate.ts';
import { createNetworkTable } from './network.ts';
import { createOperationTables } from './operation.ts';
import { createPasskeyTable } from './passkey.ts';
import { createPoolTable } from './pool.ts';
import { createProfileTable } from './profile.ts';
import { createSessionTable } from './session.ts';
import { createSettingTable } from './setting.ts';
import { createSnapshotTable } from './snapshot.ts';
import type { Store } from './store.ts';
import type { Unreadable } from './table.ts';
import { createUserTable } from './user.ts';

export interface OpenStoreOptions {
  /** Database file, made when absent. `:memory:` for tests. */
  file: string;
  /** `prisma/sqlite/migrations` of this program. */
  migrationsDir: string;
  /** Copies of the database as it was before each migration; the last five are kept. */
  backupsDir: string;
  log: { warn(details: object, message: string): void };
}

/** Opens the database and brings it up to date. Throws `unsupported` for one that is newer than the program. */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { file, migrationsDir, backupsDir, log } = options;
  const database = openFile(file);
  try {
    migrate({ database, file, migrationsDir, backupsDir });
  } catch (error) {
    database.close();
    if (isDomainError(error)) throw error;
    throw new DomainError(
      'internal',
      `The database ${file} cannot be read: ${messageOf(error)}; restore one of ${backupsDir}`,
      { cause: error },
    );
  }
  const prisma = new PrismaClient({
    adapter: new SingleConnectionAdapter(database, file === ':memory:' ? null : file),
  });
  const broken = new Map<string, ReturnType<Store['unreadable']>[number]>();
  const unreadable: Unreadable = {
    add(table, key, reason) {
      const id = `${table}/${key}`;
      if (!broken.has(id)) log.warn({ table, key, reason }, 'a stored row cannot be read and is left out');
      broken.set(id, { table, key, reason, seenAtMs: broken.get(id)?.seenAtMs ?? Date.now() });
    },
  };
  return {
    instances: createInstanceTable(prisma, unreadable),
    snapshots: createSnapshotTable(prisma, unreadable),
    images: createImageTable(prisma, unreadable),
    aliases: createAliasTable(prisma, unreadable),
    profiles: createProfileTable(prisma, unreadable),
    networks: createNetworkTable(prisma, unreadable),
    pools: createPoolTable(prisma, unreadable),
    users: createUserTable(prisma, unreadable),
    sessions: createSessionTable(prisma, unreadable),
    passkeys: createPasskeyTable(prisma, unreadable),
    ...createOperationTables(prisma, unreadable),
    settings: createSettingTable(prisma),
    unreadable: () => [...broken.values()],
    async close() {
      await prisma.$disconnect();
    },
  };
}

function openFile(file: string) {
  if (file === ':memory:') return openDatabase(file);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    const database = openDatabase(file);
    chmodSync(file, 0o600);
    return database;
  } catch (cause) {
    throw new DomainError('internal', `The database ${file} cannot be opened: ${messageOf(cause)}`, { cause });
  }
}
