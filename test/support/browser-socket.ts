/** Where the browser of this worker reaches the server: see browser-relay.mjs. */
export const browserSocket = `/var/tmp/stapes-browser-${process.pid}.sock`;
export const browserPort = 8443;
