import { open } from 'node:fs/promises';

const delayMs = 50;

/** Brings the write-ahead log to the disk a moment after the last call, on another thread: whoever wrote does not wait for the disk. */
export class SoonDurable {
  #timer: NodeJS.Timeout | null = null;
  readonly #log: string;

  constructor(databaseFile: string) {
    this.#log = `${databaseFile}-wal`;
  }

  request(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#sync();
    }, delayMs);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  // SQLite's locks are on other files, so that closing this descriptor takes none away.
  async #sync(): Promise<void> {
    const file = await open(this.#log, 'r').catch(() => null);
    try {
      await file?.datasync();
    } catch {
      // The next commit of the operation log tries again, and tells.
    } finally {
      await file?.close().catch(() => undefined);
    }
  }
}
