import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '@stapes/runtime/host/run';

/** Waits until `look` gives something that is neither null nor false. */
export async function until<T>(what: string, look: () => Promise<T | null | false>, timeoutMs = 30_000): Promise<T> {
  for (const end = Date.now() + timeoutMs; ; await sleep(50)) {
    const found = await look();
    if (found !== null && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
  }
}

// Gives the interface what DHCP said, and says it.
const udhcpcScript = `#!/bin/sh
case "$1" in bound|renew) ip addr flush dev $interface scope global; ip addr replace $ip/$mask dev $interface; ip route replace default via $router
echo "address=$ip router=$router dns=$dns domain=$domain mtu=$mtu" > "$0.answer";; esac
`;

const sendScript = `const [address, port, text, source] = process.argv.slice(1);
const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
socket.bind(source ? { address: source } : {}, () => socket.send(text, Number(port), address, () => socket.close()));`;

const resolveScript = `const [server, name, type, tries] = process.argv.slice(1);
const resolver = new (require('node:dns').promises.Resolver)({ timeout: 3000, tries: Number(tries) });
resolver.setServers([server]);
resolver.resolve(name, type).then((answer) => console.log(answer.join(',')), (error) => console.log(error.code));`;

/** A machine at a bridge: a network namespace with one interface, `eth0`; its other end is a port of the bridge. */
export class NetworkClient {
  private readonly keeper: ChildProcess;
  private readonly directory: string;

  private constructor(keeper: ChildProcess, directory: string) {
    this.keeper = keeper;
    this.directory = directory;
  }

  static async attach(bridge: string, hostName: string, hwaddr: string): Promise<NetworkClient> {
    const directory = await mkdtemp('/var/tmp/stapes-test-client-');
    const keeper = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    const client = new NetworkClient(keeper, directory);
    const own = await readlink('/proc/self/ns/net');
    await until('a network namespace', async () => {
      const namespace = await readlink(`/proc/${keeper.pid}/ns/net`).catch(() => own);
      return namespace !== own;
    });
    await run('ip', [
      'link',
      'add',
      hostName,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'address',
      hwaddr,
      'netns',
      String(keeper.pid),
    ]);
    await run('ip', ['link', 'set', hostName, 'master', bridge, 'up']);
    await client.exec('ip', 'link', 'set', 'lo', 'up');
    await client.exec('ip', 'link', 'set', 'eth0', 'up');
    return client;
  }

  async exec(...command: string[]): Promise<string> {
    return (
      await run('nsenter', ['-t', String(this.keeper.pid), '-n', '--', ...command], { timeoutMs: 60_000 })
    ).stdout.trim();
  }

  /** Asks DHCP, as `hostname`; the answer as `key=value` pairs, and null when nobody answered. */
  async dhcp(hostname = 'client', options: string[] = []): Promise<Record<string, string> | null> {
    const script = join(this.directory, 'udhcpc');
    await rm(`${script}.answer`, { force: true });
    await writeFile(script, udhcpcScript, { mode: 0o755 });
    const args = [
      '-i',
      'eth0',
      '-s',
      script,
      '-n',
      '-q',
      '-f',
      '-t',
      '4',
      '-T',
      '2',
      '-x',
      `hostname:${hostname}`,
      ...options,
    ];
    await this.exec('busybox', 'udhcpc', ...args).catch(() => undefined);
    const text = (await run('cat', [`${script}.answer`], { okCodes: [0, 1] })).stdout.trim();
    return text === '' ? null : Object.fromEntries(text.split(' ').map((pair) => pair.split('=') as [string, string]));
  }

  send(address: string, port: number, text: string, source = ''): Promise<string> {
    return this.exec(process.execPath, '-e', sendScript, address, String(port), text, source);
  }

  resolve(server: string, name: string, tries = 3): Promise<string> {
    return this.exec(process.execPath, '-e', resolveScript, server, name, 'A', String(tries));
  }

  async remove(): Promise<void> {
    this.keeper.kill('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}
