import type {
  CreateInstance,
  CreateSnapshot,
  ExecRequest,
  Instance,
  InstanceFull,
  InstanceState,
  PatchInstance,
  PutInstance,
  PutInstanceState,
  Snapshot,
} from '@stapes/contract/instance';
import type { EventType, ServerEvent } from '@stapes/contract/event';
import type { CreateAlias, Image, ImageAliasEntry, ImageRecipe, PutImage } from '@stapes/contract/image';
import type { CreateNetwork, Network, NetworkLease, NetworkState, PutNetwork } from '@stapes/contract/network';
import type { Operation, OperationRecord } from '@stapes/contract/operation';
import type { CreateProfile, Profile, PutProfile } from '@stapes/contract/profile';
import type {
  CreateStoragePool,
  PutStoragePool,
  StoragePool,
  StoragePoolResources,
  StorageVolume,
} from '@stapes/contract/storage';
import type { CreateTerminal, TerminalSession } from '@stapes/contract/terminal';
import type { FileEntry } from '@stapes/runtime/instances/driver';
import type { TerminalAttachment } from '@stapes/runtime/terminals/terminal-host';
import type { WebSocket } from 'ws';
import type { Context } from './context.ts';

/**
 * The one layer that both APIs call. Each method authorises, validates (zod schema of the contract, then the key registry), decides and calls the store, the
 * engine or a driver. Throws DomainError only. `etag` arguments are the `If-Match` of the caller; absent means no check.
 * Methods that return an Operation have started it and return at once.
 */
export interface Services {
  instances: InstancesService;
  snapshots: SnapshotsService;
  files: FilesService;
  images: ImagesService;
  profiles: ProfilesService;
  networks: NetworksService;
  storage: StorageService;
  operations: OperationsService;
  events: EventsService;
  terminals: TerminalsService;
  server: ServerService;
}

export interface Tagged<T> {
  value: T;
  /** Quoted hash for the ETag header. */
  etag: string;
}

export interface InstancesService {
  list(context: Context): Promise<Instance[]>;
  listFull(context: Context): Promise<InstanceFull[]>;
  get(context: Context, name: string): Promise<Tagged<Instance>>;
  getFull(context: Context, name: string): Promise<Tagged<InstanceFull>>;
  state(context: Context, name: string): Promise<InstanceState>;
  /** Validates all and explains what the instance would be: expanded config and devices, made-up name, free of side effects. */
  preview(
    context: Context,
    request: unknown,
  ): Promise<{ instance: Instance; command: string[]; request: CreateInstance }>;
  /** A free, pronounceable name. */
  suggestName(context: Context): Promise<string>;
  create(context: Context, request: unknown): Promise<Operation>;
  put(context: Context, name: string, request: unknown, etag?: string): Promise<Operation>;
  patch(context: Context, name: string, request: unknown, etag?: string): Promise<Operation>;
  rename(context: Context, name: string, newName: unknown): Promise<Operation>;
  remove(context: Context, name: string): Promise<Operation>;
  setState(context: Context, name: string, request: unknown): Promise<Operation>;
  bulkState(context: Context, names: string[], request: unknown): Promise<Operation[]>;
  exec(context: Context, name: string, request: unknown): Promise<Operation>;
  /** Text console as a websocket operation (fds `0` and `control`). */
  console(context: Context, name: string, request: unknown): Promise<Operation>;
  consoleLog(context: Context, name: string): Promise<Buffer>;
  clearConsoleLog(context: Context, name: string): Promise<void>;
  logs(context: Context, name: string): Promise<string[]>;
  log(context: Context, name: string, file: string): Promise<Buffer>;
  removeLog(context: Context, name: string, file: string): Promise<void>;
  /** CPU, memory and network of the last hour for graphs; and live figures for lists. */
  usageHistory(context: Context, name: string): Promise<UsagePoint[]>;
  /** Emits a batch of the latest readings of running instances every 2 s while somebody listens. */
  usageStream(context: Context, signal: AbortSignal): AsyncIterable<Record<string, UsagePoint>>;
  /** metadata.yaml of the image it came from, and its templates. */
  metadata(context: Context, name: string): Promise<Record<string, unknown>>;
}
/** `t` epoch ms; `cpu` in cores; `memory` bytes; `rx`/`tx` bytes a second. */
export interface UsagePoint {
  t: number;
  cpu: number;
  memory: number;
  memoryTotal: number;
  rx: number;
  tx: number;
}

export interface SnapshotsService {
  list(context: Context, instance: string): Promise<Snapshot[]>;
  get(context: Context, instance: string, snapshot: string): Promise<Tagged<Snapshot>>;
  create(context: Context, instance: string, request: unknown): Promise<Operation>;
  rename(context: Context, instance: string, snapshot: string, newName: unknown): Promise<Operation>;
  /** Only `expires_at` may change. */
  update(context: Context, instance: string, snapshot: string, request: unknown, etag?: string): Promise<Operation>;
  remove(context: Context, instance: string, snapshot: string): Promise<Operation>;
}

export interface FilesService {
  read(
    context: Context,
    instance: string,
    path: string,
  ): Promise<{ entry: FileEntry; stream: NodeJS.ReadableStream | null }>;
  stat(context: Context, instance: string, path: string): Promise<FileEntry>;
  write(
    context: Context,
    instance: string,
    path: string,
    content: NodeJS.ReadableStream,
    options: { type: 'file' | 'directory' | 'symlink'; append: boolean; uid?: number; gid?: number; mode?: number },
  ): Promise<void>;
  remove(context: Context, instance: string, path: string, options: { recursive: boolean }): Promise<void>;
}

/** An upload on its way: the door streams it into a file that the service named, and the service takes it from there. */
export interface ImageUpload {
  metadata: NodeJS.ReadableStream;
  rootfs: NodeJS.ReadableStream | null;
}
export interface ImagesService {
  list(context: Context): Promise<Image[]>;
  /** By whole fingerprint or unique start. */
  get(context: Context, fingerprint: string): Promise<Tagged<Image>>;
  put(context: Context, fingerprint: string, request: unknown, etag?: string): Promise<void>;
  patch(context: Context, fingerprint: string, request: unknown, etag?: string): Promise<void>;
  remove(context: Context, fingerprint: string): Promise<Operation>;
  /** Directory (private, on the state directory's file system) into which a door streams the parts; with a byte limit. `dispose` removes it. */
  openUpload(context: Context): Promise<{ directory: string; maxBytes: number; dispose(): Promise<void> }>;
  /** Takes files that a door has written into an upload's directory. */
  importUpload(
    context: Context,
    upload: { directory: string; metadataFile: string; rootfsFile: string | null },
    options: {
      fingerprint?: string;
      filename?: string;
      public?: boolean;
      properties?: Record<string, string>;
      aliases?: { name: string; description?: string }[];
    },
  ): Promise<Operation>;
  /** Files of an image with names for a download. */
  exportFiles(
    context: Context,
    fingerprint: string,
  ): Promise<{ filename: string; path: string; sizeBytes: number; part: 'metadata' | 'rootfs' | 'rootfs.img' }[]>;
  recipes(context: Context): Promise<ImageRecipe[]>;
  build(context: Context, recipe: string): Promise<Operation>;
  aliases(context: Context): Promise<ImageAliasEntry[]>;
  alias(context: Context, name: string): Promise<Tagged<ImageAliasEntry>>;
  createAlias(context: Context, request: unknown): Promise<void>;
  putAlias(context: Context, name: string, request: unknown, etag?: string): Promise<void>;
  renameAlias(context: Context, name: string, newName: unknown): Promise<void>;
  removeAlias(context: Context, name: string): Promise<void>;
}

export interface ProfilesService {
  list(context: Context): Promise<Profile[]>;
  get(context: Context, name: string): Promise<Tagged<Profile>>;
  create(context: Context, request: unknown): Promise<CreateProfile>;
  put(context: Context, name: string, request: unknown, etag?: string): Promise<PutProfile>;
  patch(context: Context, name: string, request: unknown, etag?: string): Promise<PutProfile>;
  rename(context: Context, name: string, newName: unknown): Promise<void>;
  remove(context: Context, name: string): Promise<void>;
}

export interface NetworksService {
  /** Managed ones and the host's other interfaces. */
  list(context: Context): Promise<Network[]>;
  get(context: Context, name: string): Promise<Tagged<Network>>;
  create(context: Context, request: unknown): Promise<CreateNetwork>;
  put(context: Context, name: string, request: unknown, etag?: string): Promise<PutNetwork>;
  patch(context: Context, name: string, request: unknown, etag?: string): Promise<PutNetwork>;
  remove(context: Context, name: string): Promise<void>;
  leases(context: Context, name: string): Promise<NetworkLease[]>;
  state(context: Context, name: string): Promise<NetworkState>;
}

export interface StorageService {
  list(context: Context): Promise<StoragePool[]>;
  get(context: Context, name: string): Promise<Tagged<StoragePool>>;
  create(context: Context, request: unknown): Promise<CreateStoragePool>;
  put(context: Context, name: string, request: unknown, etag?: string): Promise<PutStoragePool>;
  patch(context: Context, name: string, request: unknown, etag?: string): Promise<PutStoragePool>;
  remove(context: Context, name: string): Promise<void>;
  resources(context: Context, name: string): Promise<StoragePoolResources>;
  volumes(context: Context, name: string): Promise<StorageVolume[]>;
  /** Drivers and whether this host can use them (null) or why not. */
  drivers(context: Context): Promise<Record<string, string | null>>;
}

export interface OperationsService {
  list(context: Context): Operation[];
  get(context: Context, id: string): Operation;
  wait(context: Context, id: string, timeoutS: number): Promise<Operation>;
  cancel(context: Context, id: string): Promise<void>;
  retry(context: Context, id: string): Promise<Operation>;
  history(context: Context): Promise<OperationRecord[]>;
  /** Throws unless `connect` would take the secret: for a refusal that is still an HTTP answer. */
  checkSecret(context: Context, id: string, secret: string): void;
  connect(context: Context, id: string, secret: string, socket: WebSocket): void;
}

export interface EventsService {
  /** Ordered, bounded (1,000 events): a reader that is too slow gets an `overflow` end. Ends when the signal aborts. */
  subscribe(
    context: Context,
    options: { types: readonly EventType[]; project: string | null },
    listener: (event: ServerEvent) => void,
    onOverflow: () => void,
  ): () => void;
}

export interface TerminalsService {
  list(context: Context): Promise<TerminalSession[]>;
  create(context: Context, request: CreateTerminal): Promise<TerminalSession>;
  attach(context: Context, id: string, size: { cols: number; rows: number }): Promise<TerminalAttachment>;
  close(context: Context, id: string): Promise<void>;
}

/** Shape of the API. */
export interface Warning {
  uuid: string;
  type: string;
  status: 'new';
  severity: 'low' | 'moderate' | 'high';
  count: number;
  project: string;
  location: string;
  entity_url: string;
  first_seen_at: string;
  last_seen_at: string;
  last_message: string;
}

export interface ServerService {
  /** `/1.0`, little of it to strangers. */
  info(context: Context): Promise<Tagged<Record<string, unknown>>>;
  /** What somebody should look after, `/1.0/warnings`. */
  warnings(context: Context): Promise<Warning[]>;
  /** `/1.0/resources`. */
  resources(context: Context): Promise<Record<string, unknown>>;
  putConfig(context: Context, config: unknown, merge: boolean, etag?: string): Promise<void>;
}

export type {
  CreateInstance,
  CreateSnapshot,
  ExecRequest,
  PatchInstance,
  PutInstance,
  PutInstanceState,
  CreateAlias,
  PutImage,
};
