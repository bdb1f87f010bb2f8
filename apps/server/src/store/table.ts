import { DomainError, messageOf } from '@stapes/contract/errors';
import type { z } from 'zod';
import type { Table } from './store.ts';

type Columns = Record<string, unknown>;
/** The few calls that a table needs of a model of the generated client. */
export interface Model {
  findMany(query?: object): Promise<Columns[]>;
  findUnique(query: object): Promise<Columns | null>;
  create(query: object): Promise<Columns>;
  update(query: object): Promise<Columns>;
  deleteMany(query: object): Promise<{ count: number }>;
}
export interface Unreadable {
  add(table: string, key: string, reason: string): void;
}
export interface TableOptions<Row> {
  /** For messages: `instance`. */
  noun: string;
  /** A delegate of the generated client; its own type is too deep to state generically. */
  model: unknown;
  key: keyof Row & string;
  schema: z.ZodType<Row>;
  /** Columns that hold JSON. */
  json?: readonly (keyof Row & string)[];
  /** Columns of 64-bit integers: times and sizes. */
  integers?: readonly (keyof Row & string)[];
  orderBy?: object | object[];
  unreadable: Unreadable;
}
export interface QueryableTable<Row> extends Table<Row, string> {
  /** Readable rows that match; the others are reported. */
  select(where: object, more?: object): Promise<Row[]>;
  encode(row: Partial<Row>): Columns;
  removeWhere(where: object): Promise<void>;
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function translate(noun: string, what: string, error: unknown): DomainError {
  switch (codeOf(error)) {
    case 'P2002':
      return new DomainError('exists', `The ${noun} ${what} exists already: choose another name`, { cause: error });
    case 'P2025':
      return new DomainError('not-found', `There is no ${noun} ${what}`, { cause: error });
    case 'P2003':
      return new DomainError('not-found', `The ${noun} ${what} refers to something that is not there any more`, {
        cause: error,
      });
    default:
      return new DomainError(
        /disk is full|no space/i.test(messageOf(error)) ? 'no-space' : 'internal',
        `The database failed on the ${noun} ${what}: ${messageOf(error)}`,
        { cause: error },
      );
  }
}

function createCodec<Row extends object>({ schema, json = [], integers = [] }: TableOptions<Row>) {
  return {
    encode(row: Partial<Row>): Columns {
      const columns: Columns = { ...row };
      for (const name of json) if (name in row) columns[name] = JSON.stringify(row[name] ?? null);
      for (const name of integers) if (typeof row[name] === 'number') columns[name] = BigInt(Math.round(row[name]));
      return columns;
    },
    decode(columns: Columns): Row {
      const row: Columns = { ...columns };
      for (const name of integers) if (typeof row[name] === 'bigint') row[name] = Number(row[name]);
      for (const name of json) row[name] = JSON.parse(String(row[name]));
      return schema.parse(row);
    },
  };
}

export function createTable<Row extends object>(options: TableOptions<Row>): QueryableTable<Row> {
  const { noun, key, unreadable } = options;
  const model = options.model as Model;
  const { encode, decode } = createCodec(options);
  const nameOf = (row: Partial<Row> & Columns) => `"${String(row['name'] ?? row[key])}"`;

  function readable(columns: Columns): Row[] {
    try {
      return [decode(columns)];
    } catch (error) {
      unreadable.add(noun, String(columns[key]), messageOf(error));
      return [];
    }
  }
  /** One value that the client itself cannot read fails a whole query: then row by row. */
  async function selectSingly(where: object, more: object): Promise<Row[]> {
    const keys = await model.findMany({ where, orderBy: options.orderBy, ...more, select: { [key]: true } });
    const rows: Row[] = [];
    for (const columns of keys) {
      try {
        const found = await model.findUnique({ where: { [key]: columns[key] } });
        if (found) rows.push(...readable(found));
      } catch (error) {
        unreadable.add(noun, String(columns[key]), messageOf(error));
      }
    }
    return rows;
  }
  async function select(where: object, more: object = {}): Promise<Row[]> {
    let found: Columns[];
    try {
      found = await model.findMany({ where, orderBy: options.orderBy, ...more });
    } catch {
      return selectSingly(where, more).catch((error: unknown) => {
        throw translate(noun, 'list', error);
      });
    }
    return found.flatMap(readable);
  }
  async function find(id: string): Promise<Row | null> {
    let found: Columns | null;
    try {
      found = await model.findUnique({ where: { [key]: id } });
      return found && decode(found);
    } catch (error) {
      unreadable.add(noun, id, messageOf(error));
      throw new DomainError(
        'internal',
        `The stored ${noun} "${id}" cannot be read; restore the database from a backup, or remove it`,
        { cause: error },
      );
    }
  }
  return {
    encode,
    select,
    find,
    list: () => select({}),
    async get(id) {
      const row = await find(id);
      if (!row) throw new DomainError('not-found', `There is no ${noun} "${id}"`);
      return row;
    },
    async create(row) {
      await model.create({ data: encode(row) }).catch((error: unknown) => {
        throw translate(noun, nameOf(row as Columns & Partial<Row>), error);
      });
    },
    async update(id, change) {
      const columns = await model.update({ where: { [key]: id }, data: encode(change) }).catch((error: unknown) => {
        throw translate(noun, nameOf({ [key]: id, ...change } as Columns & Partial<Row>), error);
      });
      return decode(columns);
    },
    async remove(id) {
      await model.deleteMany({ where: { [key]: id } });
    },
    async removeWhere(where) {
      await model.deleteMany({ where });
    },
  };
}
