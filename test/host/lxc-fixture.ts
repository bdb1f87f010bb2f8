import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { MachineSpec } from '@stapes/runtime/instances/driver';

/** A state directory of one test file, with a bridge and tiny root file systems. */
export class LxcFixture {
  readonly stateDir = mkdtempSync('/var/tmp/stapes-test-lxc-');
  private counter = 0;

  constructor() {
    chmodSync(this.stateDir, 0o711);
  }

  /** Busybox with its own init: every applet is a link. */
  busyboxRootfs(name: string, init = busyboxInit): string {
    const root = join(this.stateDir, 'volumes', name, 'rootfs');
    for (const folder of ['bin', 'sbin', 'proc', 'sys', 'dev', 'etc', 'run', 'root', 'tmp', 'mnt', 'var/lib'])
      mkdirSync(join(root, folder), { recursive: true });
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    chmodSync(join(root, 'bin/busybox'), 0o755);
    for (const applet of [
      'sh',
      'cat',
      'ls',
      'echo',
      'sleep',
      'env',
      'pwd',
      'id',
      'kill',
      'touch',
      'mkdir',
      'ln',
      'mkfifo',
      'mount',
      'stat',
      'ip',
      'poweroff',
      'reboot',
      'true',
      'dd',
      'ping',
      'mknod',
      'hostname',
      'grep',
      'sed',
      'test',
      'ifconfig',
    ])
      symlinkSync('busybox', join(root, 'bin', applet));
    writeFileSync(join(root, 'sbin/init'), init, { mode: 0o755 });
    return root;
  }

  spec(rootfs: string, changes: Partial<MachineSpec> = {}): MachineSpec {
    const id = `testbox${String(++this.counter).padStart(4, '0')}`;
    return {
      ref: { id },
      type: 'container',
      hostname: 'box',
      rootfs,
      idmap: { hostBase: 1_000_000 + this.counter * 65_536, size: 65_536 },
      nesting: false,
      environment: {},
      mounts: [],
      nics: [],
      limits: { disk: [], nic: [] },
      apparmor: true,
      ...changes,
    };
  }

  remove(): void {
    rmSync(this.stateDir, { recursive: true, force: true });
    rmSync(join('/run/lxc', this.stateDir), { recursive: true, force: true });
    rmSync(join('/run/lxc/lock', this.stateDir), { recursive: true, force: true });
  }
}

/** Understands SIGPWR as "shut down", prints on the console and reaps. */
export const busyboxInit = `#!/bin/sh
trap 'exit 0' PWR
echo "console says hello"
mount -t tmpfs tmpfs /run
ip link set lo up
while :; do sleep 1000 & wait $!; done
`;

export async function until<T>(what: string, look: () => T | Promise<T>, timeoutMs = 30_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

export function sh(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' });
}

export function linkExists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}
