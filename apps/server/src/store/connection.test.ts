import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type Database from 'libsql';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase, SingleConnectionAdapter } from './connection.ts';
import { PrismaClient } from './generated/client.ts';
import { migrate } from './migrate.ts';

let dir = '';
let database: Database.Database;
let prisma: PrismaClient;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stapes-connection-'));
  cpSync(resolve(import.meta.dirname, '../../../../prisma/sqlite/migrations'), join(dir, 'migrations'), {
    recursive: true,
  });
  const file = join(dir, 'test.db');
  database = openDatabase(file);
  migrate({ database, file, migrationsDir: join(dir, 'migrations'), backupsDir: join(dir, 'backups') });
  prisma = new PrismaClient({ adapter: new SingleConnectionAdapter(database) });
});
afterEach(async () => {
  await prisma.$disconnect();
  rmSync(dir, { recursive: true, force: true });
});
const setting = (key: string, bytes = 1) => prisma.setting.create({ data: { key, value: 'x'.repeat(bytes) } });

it('has the same pragmas within a transaction and after one', async () => {
  const pragmas = async (client: Pick<PrismaClient, '$queryRawUnsafe'>) => [
    ...(await client.$queryRawUnsafe<object[]>('PRAGMA synchronous')),
    ...(await client.$queryRawUnsafe<object[]>('PRAGMA foreign_keys')),
    ...(await client.$queryRawUnsafe<object[]>('PRAGMA busy_timeout')),
    ...(await client.$queryRawUnsafe<object[]>('PRAGMA journal_mode')),
  ];
  const wanted = [{ synchronous: 2n }, { foreign_keys: 1n }, { timeout: 5000n }, { journal_mode: 'wal' }];
  const numbers = (found: object[]) =>
    found.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? BigInt(value) : value]),
      ),
    );
  expect(numbers(await pragmas(prisma))).toEqual(wanted);
  await prisma.$transaction(async (transaction) =>
    expect(numbers(await pragmas(transaction as never))).toEqual(wanted),
  );
  await prisma.$transaction([setting('a'), setting('b')]);
  expect(numbers(await pragmas(prisma))).toEqual(wanted);
});

it('goes on after a full disk: the transaction is undone, the next one works', async () => {
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  await expect(prisma.$transaction([setting('small'), setting('big', 1_000_000)])).rejects.toThrow(/full/);
  expect(database.inTransaction).toBe(false);
  expect(await prisma.setting.findMany()).toEqual([]);
  await prisma.$transaction([setting('small'), setting('other')]);
  database.exec('PRAGMA max_page_count = 1000000');
  await prisma.$transaction([setting('big', 1_000_000)]);
  expect(await prisma.setting.count()).toBe(3);
});

it('keeps transactions apart that are started at once', async () => {
  const add = (key: string, fails: boolean) =>
    prisma.$transaction(async (transaction) => {
      await transaction.setting.create({ data: { key, value: '1' } });
      await Promise.resolve();
      if (fails) throw new Error('as told');
    });
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => add(String(index), index % 2 === 1)),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  expect(await prisma.setting.count()).toBe(10);
});

it('refuses what comes after the end, instead of ending the process', async () => {
  await setting('a');
  await prisma.$disconnect();
  await expect(prisma.setting.count()).rejects.toThrow(/closed/);
  await expect(prisma.$transaction([setting('a')])).rejects.toThrow(/closed/);
});
