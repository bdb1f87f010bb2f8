import { PrismaLibSql } from '@prisma/adapter-libsql';
import Database from 'libsql';
import { SoonDurable } from './soon-durable.ts';

/**
 * One connection for everything. The stock client of the adapter opens a new connection after each transaction, whose pragmas would be the defaults; this one sets
 * them once. Nobody can interleave: the adapter holds its lock from BEGIN to COMMIT, and each call is synchronous.
 */
type Value = string | number | bigint | boolean | null | Uint8Array;
interface Statement {
  sql: string;
  args?: Value[];
}
interface Result {
  columns: string[];
  columnTypes: string[];
  rows: unknown[][];
  rowsAffected: number;
}
interface Prepared {
  statement: Database.Statement;
  /** Null when it returns no data. */
  columns: { names: string[]; types: string[] } | null;
}
const cachedStatements = 256;

export function openDatabase(file: string): Database.Database {
  const database = new Database(file, { timeout: 5000 });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
  return database;
}

/** What the adapter asks of a client. */
class Connection {
  closed = false;
  readonly protocol = 'file';
  readonly #database: Database.Database;
  readonly #prepared = new Map<string, Prepared>();

  readonly #soon: SoonDurable | null;

  constructor(database: Database.Database, soon: SoonDurable | null) {
    this.#database = database;
    this.#soon = soon;
  }

  execute(input: Statement | string): Promise<Result> {
    const statement = typeof input === 'string' ? { sql: input } : input;
    return new Promise((resolve) => {
      this.#requireOpen();
      const soon = this.#mayFollow(statement.sql) ? this.#soon : null;
      resolve(soon ? this.#runRelaxed(statement, soon) : this.#run(statement));
    });
  }

  async transaction() {
    this.#requireOpen();
    // IMMEDIATE: a second writer waits here, and not in the middle, where SQLite could not retry.
    this.#database.exec('BEGIN IMMEDIATE');
    const rollback = () => {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    };
    return {
      execute: (input: Statement | string) => this.execute(input),
      commit: async () => {
        try {
          this.#database.exec('COMMIT');
        } finally {
          rollback(); // a commit that fails (full disk) may leave the transaction open, and the next one could not begin
        }
      },
      rollback: async () => rollback(),
    };
  }

  async executeMultiple(sql: string): Promise<void> {
    this.#requireOpen();
    this.#database.exec(sql);
  }

  /** A call on a closed database ends the whole process: the library does not look. Work that goes on while the server stops gets here. */
  #requireOpen(): void {
    if (!this.#database.open) throw new Error('the database is closed');
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#soon?.close();
    this.#prepared.clear();
    this.#database.close();
  }

  /** Rows besides the operation log: a killed process loses none, and a power cut what the log's next commit, or the next moment, would have kept. */
  #mayFollow(sql: string): boolean {
    return (
      !this.#database.inTransaction && /^\s*(?:INSERT|UPDATE|DELETE)\b/i.test(sql) && !sql.includes('operation_log')
    );
  }

  #runRelaxed(statement: Statement, soon: SoonDurable): Result {
    this.#database.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.#run(statement);
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL');
      soon.request();
    }
  }

  #run({ sql, args = [] }: Statement): Result {
    const { statement, columns } = this.#prepare(sql);
    const values = args.map((value) => (typeof value === 'boolean' ? Number(value) : value));
    if (!columns) return { columns: [], columnTypes: [], rows: [], rowsAffected: statement.run(values).changes };
    const rows = (statement.all(values) as unknown[][]).map((row) =>
      row.map((value) => (Buffer.isBuffer(value) ? toArrayBuffer(value) : value)),
    );
    return { columns: columns.names, columnTypes: columns.types, rows, rowsAffected: 0 };
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    let columns: Prepared['columns'] = null;
    try {
      statement.raw(true); // throws for a statement that returns nothing
      const found = statement.columns();
      columns = { names: found.map(({ name }) => name), types: found.map(({ type }) => type ?? '') };
    } catch {
      columns = null;
    }
    const prepared = { statement, columns };
    const oldest = this.#prepared.size >= cachedStatements ? this.#prepared.keys().next().value : undefined;
    if (oldest !== undefined) this.#prepared.delete(oldest);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

function toArrayBuffer(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}

export class SingleConnectionAdapter extends PrismaLibSql {
  readonly #database: Database.Database;
  readonly #soon: SoonDurable | null;

  /** With the file's name, single rows need not wait for the disk. */
  constructor(database: Database.Database, file: string | null = null) {
    super({ url: 'file:unused' });
    this.#database = database;
    this.#soon = file === null ? null : new SoonDurable(file);
  }

  override createClient(): ReturnType<PrismaLibSql['createClient']> {
    return new Connection(this.#database, this.#soon) as unknown as ReturnType<PrismaLibSql['createClient']>;
  }
}
