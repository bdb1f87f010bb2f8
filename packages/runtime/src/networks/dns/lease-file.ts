/** Leases as dnsmasq writes them, one a line: expiry, hardware address (or IAID), address, name, client id. */

export interface FileLease {
  family: 4 | 6;
  /** IPv4: hardware address. IPv6: the interface association id, decimal. */
  key: string;
  address: string;
  /** Empty when it has none. */
  hostname: string;
  /** Empty when it gave none; a DUID for IPv6. */
  clientId: string;
  line: string;
}

export interface LeaseFile {
  leases: FileLease[];
  /** DUID of the server, for IPv6. */
  serverDuid: string | null;
}

/** Lines that are not leases are passed over: the file is written by a program that talks to clients. */
export function parseLeaseFile(text: string): LeaseFile {
  const leases: FileLease[] = [];
  let serverDuid: string | null = null;
  for (const line of text.split('\n')) {
    const [expiry, key, address, hostname, clientId] = line.split(' ');
    if (expiry === 'duid' && key) serverDuid = key;
    if (!/^\d+$/.test(expiry ?? '') || !key || !address || !hostname) continue;
    const family = serverDuid === null && !address.includes(':') ? 4 : 6;
    // Temporary addresses are marked with a leading T.
    leases.push({
      family,
      key: key.replace(/^T/, ''),
      address,
      hostname: hostname === '*' ? '' : hostname,
      clientId: clientId === '*' ? '' : (clientId ?? ''),
      line,
    });
  }
  return { leases, serverDuid };
}

/** Whether a lease is of this hardware address; a DUID of the kinds LLT and LL ends with it. */
export function isLeaseOf(lease: FileLease, hwaddr: string): boolean {
  const mac = hwaddr.toLowerCase();
  if (lease.family === 4) return lease.key.toLowerCase() === mac;
  return /^00:0[13]:/.test(lease.clientId) && lease.clientId.toLowerCase().endsWith(mac);
}

/** For a name in DNS the domain says nothing more. */
export function bareName(hostname: string): string {
  return hostname.split('.')[0] ?? '';
}
