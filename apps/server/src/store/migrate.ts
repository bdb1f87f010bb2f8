import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError, messageOf } from '@stapes/contract/errors';
import type Database from 'libsql';

const keptBackups = 5;
/** Prisma's own table, so that its tools understand the database too. */
const table = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL, "logs" TEXT,
  "rolled_back_at" DATETIME, "started_at" DATETIME NOT NULL DEFAULT current_timestamp, "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0)`;

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}
export interface MigrateOptions {
  database: Database.Database;
  file: string;
  migrationsDir: string;
  backupsDir: string;
}

function readMigrations(dir: string): Migration[] {
  if (!existsSync(dir))
    throw new DomainError('internal', `The folder of database migrations ${dir} is not there: reinstall Stapes`);
  const names = readdirSync(dir, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && existsSync(join(dir, entry.name, 'migration.sql')),
  );
  return names
    .map(({ name }) => name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(dir, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

function pending(known: Migration[], applied: { name: string; checksum: string }[], file: string): Migration[] {
  for (const { name, checksum } of applied) {
    const migration = known.find((candidate) => candidate.name === name);
    if (!migration) {
      throw new DomainError(
        'unsupported',
        `The database ${file} is newer than this program (it holds the migration ${name}): update Stapes, or restore a backup that this version made`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new DomainError(
        'unsupported',
        `The migration ${name} is not the one that the database ${file} was made with: use the program's own, unchanged migrations`,
      );
    }
  }
  return known.filter(({ name }) => !applied.some((row) => row.name === name));
}

function backup({ database, backupsDir }: MigrateOptions): void {
  mkdirSync(backupsDir, { recursive: true, mode: 0o700 });
  const name = `${new Date().toISOString().replaceAll(':', '-')}.db`;
  try {
    database.prepare('VACUUM INTO ?').run(join(backupsDir, name));
  } catch (cause) {
    rmSync(join(backupsDir, name), { force: true });
    throw new DomainError(
      'no-space',
      `The copy of the database that is made before a migration could not be written to ${backupsDir}: ${messageOf(cause)}; nothing was changed`,
      { cause },
    );
  }
  const old = readdirSync(backupsDir)
    .filter((entry) => /^\d{4}-\d\d-\d\dT.*\.db$/.test(entry))
    .sort()
    .slice(0, -keptBackups);
  for (const entry of old) rmSync(join(backupsDir, entry), { force: true });
}

/** Brings the database up to date: all or nothing, with a copy of the old one made before. Throws `unsupported` for a database this program does not know. */
export function migrate(options: MigrateOptions): void {
  const { database, file, migrationsDir } = options;
  const known = readMigrations(migrationsDir);
  const exists = database
    .prepare(`SELECT count(*) AS n FROM sqlite_schema WHERE name = '_prisma_migrations'`)
    .get() as { n: number };
  const applied = exists.n
    ? (database
        .prepare(
          `SELECT migration_name AS name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
        )
        .all() as { name: string; checksum: string }[])
    : [];
  const todo = pending(known, applied, file);
  if (todo.length === 0) return;
  if (applied.length > 0) backup(options);
  database.exec('PRAGMA foreign_keys = OFF'); // a migration may rebuild a table that others refer to; checked before the commit
  let current = '';
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(table);
    for (const migration of todo) {
      current = migration.name;
      database.exec(migration.sql);
      database
        .prepare(
          `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, started_at, applied_steps_count) VALUES (?, ?, ?, ?, ?, 1)`,
        )
        .run([randomUUID(), migration.checksum, migration.name, Date.now(), Date.now()]);
    }
    const broken = database.prepare('PRAGMA foreign_key_check').all();
    if (broken.length > 0) throw new Error(`${broken.length} rows would refer to nothing`);
    database.exec('COMMIT');
  } catch (cause) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw new DomainError('internal', `The database migration ${current} failed and was undone: ${messageOf(cause)}`, {
      cause,
    });
  } finally {
    database.exec('PRAGMA foreign_keys = ON');
  }
}
