import { createTerminalHost } from '../../packages/runtime/src/terminals/terminal-host-client.ts';
import { bash, hostEntry } from './terminal-harness.ts';

/** Plays the server: makes a session in the state directory that it is given, watches it, and waits to be killed. */
const stateDir = process.argv[2] ?? '';
const size = { cols: 80, rows: 24 };
const host = createTerminalHost({ stateDir, hostEntry });
await host.create({ id: 'one', command: bash(), ...size, meta: {} });
const { stream } = await host.attach('one', size);
stream.resume();
stream.write({ kind: 'data', bytes: Buffer.from("echo typed' 'before; cat\n") });
setInterval(() => undefined, 1000);
