import { closeSync, openSync } from 'node:fs';
import type { InterfaceAddress, InterfaceState } from '@stapes/contract/instance';
import { closeDescriptor, netlinkSocketIn, receive, sendTo, SyscallError } from './syscalls.ts';

/** Reads interfaces and addresses of another network namespace straight from the kernel (rtnetlink): no spawn, nothing of the guest is trusted. */

const rtm = { newLink: 16, getLink: 18, getAddr: 22 } as const;
const message = { error: 2, done: 3 } as const;
const dump = 0x0301;
const requestAndAck = 0x0005;
const inet = { v4: 2, v6: 10 } as const;

export interface NamespaceInterface extends InterfaceState {
  index: number;
  name: string;
  /** Index of its other end (a veth's host side), 0 when it has none. */
  peerIndex: number;
}

/** For one round of readings; `close` it at the end. */
export class NamespaceReader {
  private readonly own = openSync('/proc/thread-self/ns/net', 'r');
  private readonly buffer = Buffer.allocUnsafe(65_536);

  /** All interfaces in the network namespace of a process, or null when that has gone. */
  interfaces(pid: number): NamespaceInterface[] | null {
    const socket = this.openIn(pid);
    if (socket === null) return null;
    try {
      const links = new Map<number, NamespaceInterface>();
      this.dump(socket, rtm.getLink, 16, (body) => {
        const link = parseLink(body);
        if (link) links.set(link.index, link);
      });
      this.dump(socket, rtm.getAddr, 8, (body) => {
        const found = parseAddress(body);
        if (found) links.get(found.index)?.addresses.push(found.address);
      });
      return [...links.values()];
    } finally {
      closeDescriptor(socket);
    }
  }

  /** Index to name of this process's own interfaces: who is at the other end of a veth. */
  ownNames(): Map<number, string> {
    return new Map((this.interfaces(process.pid) ?? []).map((link) => [link.index, link.name]));
  }

  close(): void {
    closeSync(this.own);
  }

  private openIn(pid: number): number | null {
    let target: number;
    try {
      target = openSync(`/proc/${pid}/ns/net`, 'r');
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw error;
    }
    try {
      return netlinkSocketIn(target, this.own);
    } finally {
      closeSync(target);
    }
  }

  /** `visit` must not keep the bytes. */
  private dump(socket: number, type: number, bodyBytes: number, visit: (body: Buffer) => void): void {
    const request = Buffer.alloc(16 + bodyBytes);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt16LE(type, 4);
    request.writeUInt16LE(dump, 6);
    request.writeUInt32LE(type, 8);
    sendTo(socket, request);
    for (;;) {
      const length = receive(socket, this.buffer);
      for (let at = 0; at + 16 <= length;) {
        const size = this.buffer.readUInt32LE(at);
        const kind = this.buffer.readUInt16LE(at + 4);
        if (kind === message.done || kind === message.error || size < 16) return;
        visit(this.buffer.subarray(at + 16, at + size));
        at += (size + 3) & ~3;
      }
      if (length < 16) return;
    }
  }
}

/** Brings an interface of another network namespace up. */
export function setLinkUp(namespaceFd: number, name: string): void {
  const label = Buffer.from(`${name}\0`);
  const request = Buffer.alloc((32 + 4 + label.length + 3) & ~3);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(rtm.newLink, 4);
  request.writeUInt16LE(requestAndAck, 6);
  request.writeUInt32LE(linkFlags.up, 24);
  request.writeUInt32LE(linkFlags.up, 28);
  request.writeUInt16LE(4 + label.length, 32);
  request.writeUInt16LE(3, 34);
  label.copy(request, 36);
  const own = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const socket = netlinkSocketIn(namespaceFd, own);
    try {
      sendTo(socket, request);
      const answer = Buffer.alloc(1024);
      receive(socket, answer);
      const errno = -answer.readInt32LE(16);
      if (answer.readUInt16LE(4) !== message.error || errno !== 0) throw new SyscallError('RTM_NEWLINK', errno, name);
    } finally {
      closeDescriptor(socket);
    }
  } finally {
    closeSync(own);
  }
}

function attributes(body: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= body.length;) {
    const size = body.readUInt16LE(at);
    if (size < 4) break;
    found.set(body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + size));
    at += (size + 3) & ~3;
  }
  return found;
}

const linkFlags = { up: 1, broadcast: 2, loopback: 8, pointToPoint: 16 } as const;

/** `struct ifinfomsg`, then IFLA_ADDRESS 1, IFNAME 3, MTU 4, LINK 5, STATS64 23. */
export function parseLink(body: Buffer): NamespaceInterface | null {
  if (body.length < 16) return null;
  const flags = body.readUInt32LE(8);
  const found = attributes(body, 16);
  const stats = found.get(23);
  const name = found.get(3);
  if (!name) return null;
  const counter = (index: number) =>
    stats && stats.length >= index * 8 + 8 ? Number(stats.readBigUInt64LE(index * 8)) : 0;
  const type =
    flags & linkFlags.loopback
      ? 'loopback'
      : flags & linkFlags.pointToPoint
        ? 'point-to-point'
        : flags & linkFlags.broadcast
          ? 'broadcast'
          : 'unknown';
  return {
    index: body.readInt32LE(4),
    name: name.subarray(0, name.length - 1).toString(),
    peerIndex: found.get(5)?.readUInt32LE(0) ?? 0,
    addresses: [],
    counters: {
      bytes_received: counter(2),
      bytes_sent: counter(3),
      packets_received: counter(0),
      packets_sent: counter(1),
      errors_received: counter(4),
      errors_sent: counter(5),
      packets_dropped_inbound: counter(6),
      packets_dropped_outbound: counter(7),
    },
    hwaddr:
      type === 'loopback' ? '' : [...(found.get(1) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    host_name: '',
    mtu: found.get(4)?.readUInt32LE(0) ?? 0,
    state: flags & linkFlags.up ? 'up' : 'down',
    type,
  };
}

/** `struct ifaddrmsg`, then IFA_ADDRESS 1, IFA_LOCAL 2. */
export function parseAddress(body: Buffer): { index: number; address: InterfaceAddress } | null {
  if (body.length < 8) return null;
  const family = body.readUInt8(0);
  const scope = body.readUInt8(3);
  const found = attributes(body, 8);
  const bytes = found.get(2) ?? found.get(1);
  if (!bytes || (family !== inet.v4 && family !== inet.v6)) return null;
  return {
    index: body.readUInt32LE(4),
    address: {
      family: family === inet.v4 ? 'inet' : 'inet6',
      address: family === inet.v4 ? [...bytes.subarray(0, 4)].join('.') : formatIpv6(bytes),
      netmask: String(body.readUInt8(1)),
      scope: scope === 254 ? 'local' : scope === 253 ? 'link' : 'global',
    },
  };
}

/** RFC 5952: no leading zeros, the longest run of zeros (two at least, the first of equals) as `::`. */
export function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  return best.at < 0 ? hex(groups) : `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}
