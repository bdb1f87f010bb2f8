import { connect, createServer } from 'node:net';

/**
 * Joins two listeners of bytes. The browser of the end-to-end tests has a network namespace of its own, as on another machine: Chromium drops every
 * connection (ERR_NETWORK_CHANGED) when an interface appears beside it, which each start of a container does.
 */
export function relay(from, to) {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(from);
  return server;
}

// Inside the browser's namespace: `node browser-relay.mjs <unix socket> <port>`.
if (process.argv[1] === import.meta.filename) {
  relay({ host: '127.0.0.1', port: Number(process.argv[3]) }, { path: process.argv[2] });
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && process.exit(), 500);
}
