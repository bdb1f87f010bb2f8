import type { Config, Device, Devices, InstanceType } from '@stapes/contract/instance';
import type { ImageMetadata } from '@stapes/contract/image';
import type { StatusName } from '@stapes/contract/status';

/**
 * Rows as the rest of the server sees them: plain data, JSON columns parsed (zod) on the way out, times as epoch ms. A row that cannot be read is logged and skipped by `list`
 * (counted in `unreadable()`), and throws `internal` in `get`. `create` throws `exists` when the unique name is taken, `get` throws `not-found`, `find` may be null,
 * `remove` is fine when absent. All ids are minted by the caller (`mintId()`), `[a-z0-9]{16}`.
 */
export interface InstanceRow {
  id: string;
  project: string;
  name: string;
  description: string;
  type: InstanceType;
  architecture: string;
  ephemeral: boolean;
  profiles: string[];
  config: Config;
  devices: Devices;
  /** `creating` until its create saga has marked it; hidden from lists as `Error`-free "Creating". */
  phase: 'creating' | 'ready' | 'deleting';
  /** Intent after a reboot of the host. */
  desired: 'running' | 'stopped';
  poolId: string;
  volumeId: string;
  imageFingerprint: string | null;
  metadata: ImageMetadata | null;
  templates: Record<string, string>;
  createdAtMs: number;
  lastUsedAtMs: number;
}
export interface SnapshotRow {
  id: string;
  instanceId: string;
  name: string;
  description: string;
  config: Config;
  devices: Devices;
  profiles: string[];
  ephemeral: boolean;
  phase: 'creating' | 'ready' | 'deleting';
  createdAtMs: number;
  expiresAtMs: number | null;
}
export interface ImageRow {
  fingerprint: string;
  filename: string;
  sizeBytes: number;
  type: InstanceType;
  architecture: string;
  public: boolean;
  cached: boolean;
  properties: Record<string, string>;
  metadata: ImageMetadata;
  templates: Record<string, string>;
  split: boolean;
  phase: 'creating' | 'ready' | 'deleting';
  createdAtMs: number;
  uploadedAtMs: number;
  expiresAtMs: number | null;
  lastUsedAtMs: number | null;
}
export interface AliasRow {
  name: string;
  description: string;
  type: InstanceType;
  fingerprint: string;
}
export interface ProfileRow {
  id: string;
  project: string;
  name: string;
  description: string;
  config: Config;
  devices: Record<string, Device>;
}
export interface NetworkRow {
  id: string;
  name: string;
  description: string;
  type: 'bridge';
  config: Config;
  phase: 'creating' | 'ready' | 'deleting';
}
export interface PoolRow {
  id: string;
  name: string;
  description: string;
  driver: string;
  config: Config;
  phase: 'creating' | 'ready' | 'deleting';
}
export interface UserRow {
  id: string;
  name: string;
  passphraseHash: string | null;
}
export interface SessionRow {
  /** SHA-256 of the cookie's token. */
  tokenHash: string;
  id: string;
  userId: string;
  createdAtMs: number;
  lastSeenAtMs: number;
  expiresAtMs: number;
  address: string;
  userAgent: string;
}
export interface PasskeyRow {
  credentialId: string;
  userId: string;
  name: string;
  publicKey: Uint8Array;
  counter: number;
  transports: string[];
  createdAtMs: number;
}
export interface OperationRow {
  id: string;
  kind: string;
  class: 'task' | 'websocket' | 'token';
  durable: boolean;
  description: string;
  project: string;
  requestor: string;
  params: unknown;
  locks: string[];
  resources: Record<string, string[]>;
  metadata: Record<string, unknown>;
  status: StatusName;
  stuck: boolean;
  errorCode: string;
  error: string;
  createdAtMs: number;
  updatedAtMs: number;
}
export type StepEvent = 'started' | 'done' | 'failed' | 'undo-started' | 'undone' | 'undo-failed';
export interface OperationLogRow {
  operationId: string;
  sequence: number;
  step: string;
  event: StepEvent;
  text: string;
  atMs: number;
}

export interface Table<Row, Key> {
  list(): Promise<Row[]>;
  find(key: Key): Promise<Row | null>;
  get(key: Key): Promise<Row>;
  create(row: Row): Promise<void>;
  /** Throws `not-found` when absent, `exists` when a new name is taken. */
  update(key: Key, change: Partial<Row>): Promise<Row>;
  remove(key: Key): Promise<void>;
}

export interface Store {
  instances: Table<InstanceRow, string> & { findByName(project: string, name: string): Promise<InstanceRow | null> };
  snapshots: Table<SnapshotRow, string> & {
    ofInstance(instanceId: string): Promise<SnapshotRow[]>;
    findByName(instanceId: string, name: string): Promise<SnapshotRow | null>;
  };
  images: Table<ImageRow, string> & { findByPrefix(prefix: string): Promise<ImageRow[]> };
  aliases: Table<AliasRow, string> & { ofImage(fingerprint: string): Promise<AliasRow[]> };
  profiles: Table<ProfileRow, string> & { findByName(project: string, name: string): Promise<ProfileRow | null> };
  networks: Table<NetworkRow, string> & { findByName(name: string): Promise<NetworkRow | null> };
  pools: Table<PoolRow, string> & { findByName(name: string): Promise<PoolRow | null> };
  users: Table<UserRow, string>;
  sessions: Table<SessionRow, string> & {
    ofUser(userId: string): Promise<SessionRow[]>;
    removeExpired(nowMs: number): Promise<void>;
  };
  passkeys: Table<PasskeyRow, string>;
  operations: Table<OperationRow, string> & {
    unfinished(): Promise<OperationRow[]>;
    newest(limit: number): Promise<OperationRow[]>;
    removeOlderThan(ms: number): Promise<void>;
  };
  operationLog: {
    append(row: Omit<OperationLogRow, 'sequence'>): Promise<void>;
    /** All in one transaction: a new operation or a change of one, and rows of the log. */
    record(entry: {
      create?: OperationRow;
      update?: { id: string; change: Partial<OperationRow> };
      log?: Omit<OperationLogRow, 'sequence'>[];
    }): Promise<void>;
    of(operationId: string): Promise<OperationLogRow[]>;
  };
  /** Server-wide key and value pairs: `core.*` config, setup state. */
  settings: { all(): Promise<Record<string, string>>; set(key: string, value: string | null): Promise<void> };
  /** Rows that could not be read since the start, for the dashboard's warning. */
  unreadable(): { table: string; key: string; reason: string; seenAtMs: number }[];
  close(): Promise<void>;
}
