import { Store } from '../../lib/store.ts';

/** The websocket of the shell: `lost` since a time while it is trying to come back. */
export interface ConnectionState {
  status: 'idle' | 'open' | 'lost';
  /** Epoch ms of the last moment at which what is shown was true. */
  sinceMs: number;
}

export class Connection {
  readonly state = new Store<ConnectionState>({ status: 'idle', sinceMs: 0 });
  #wanted = false;

  /** Called while the shell wants the connection; a close after that is a loss. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    if (!wanted) this.state.set({ status: 'idle', sinceMs: 0 });
  }
  opened(): void {
    this.state.set({ status: 'open', sinceMs: Date.now() });
  }
  closed(): void {
    if (!this.#wanted) return;
    this.state.update((state) => (state.status === 'lost' ? state : { status: 'lost', sinceMs: Date.now() }));
  }
}
