import { unpackRootfs } from '@stapes/runtime/images/unpack';
const img = { metadataPath: '/var/cache/stapes/images/debian-12-amd64.tar.zst', rootfsPath: null };
let t = Date.now();
await unpackRootfs(img, '/var/tmp/unp', { maxBytes: 2 ** 34, maxEntries: 1e6 });
console.log('unpack', Date.now() - t, process.cpuUsage());
