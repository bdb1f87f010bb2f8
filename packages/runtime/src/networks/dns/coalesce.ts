import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs an action for each key at once, but not more often than once a pause: calls that come meanwhile share the next run, and all
 * of them wait for a run that began after they asked.
 */
export class Coalesced {
  private readonly action: (key: string) => Promise<void>;
  private readonly pauseMs: number;
  private readonly busyUntil = new Map<string, Promise<void>>();
  private readonly waiting = new Map<string, Promise<void>>();

  constructor(action: (key: string) => Promise<void>, pauseMs: number) {
    this.action = action;
    this.pauseMs = pauseMs;
  }

  request(key: string): Promise<void> {
    const next = this.waiting.get(key);
    if (next) return next;
    const run = (this.busyUntil.get(key) ?? Promise.resolve()).then(() => this.start(key));
    this.waiting.set(key, run);
    return run;
  }

  private async start(key: string): Promise<void> {
    this.waiting.delete(key);
    const done = this.action(key);
    const pause = done.catch(() => undefined).then(() => sleep(this.pauseMs, undefined, { ref: false }));
    this.busyUntil.set(key, pause);
    void pause.then(() => {
      if (this.busyUntil.get(key) === pause) this.busyUntil.delete(key);
    });
    await done;
  }
}
