import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../host/run.ts';

/** nftables as data: rules are values of these types, handed over as JSON. There is no text to break out of. */

export type Family = 'inet' | 'bridge';
export type Field =
  | ['ether', 'saddr' | 'type']
  | ['arp', 'saddr ether' | 'saddr ip']
  | ['ip' | 'ip6', 'saddr' | 'daddr']
  | ['ip', 'protocol']
  | ['tcp' | 'udp' | 'th', 'dport' | 'sport']
  | ['icmpv6', 'type'];
export type Left =
  | { field: Field }
  | { meta: 'iifname' | 'oifname' | 'nfproto' | 'l4proto' }
  | { transport: { offset: number; length: number } };
export type Right =
  | string
  | number
  | { prefix: { addr: string; len: number } }
  | { anyOf: readonly (string | number)[] }
  | { namedSet: string };
export interface Match {
  left: Left;
  op: '==' | '!=';
  right: Right;
}
export type Verdict = 'accept' | 'drop' | 'masquerade';
export interface Rule {
  chain: string;
  when: readonly Match[];
  verdict: Verdict | { lookUp: { key: 'iifname' | 'oifname'; map: string } };
}
export interface Chain {
  name: string;
  hook?: { type: 'filter' | 'nat'; at: 'prerouting' | 'input' | 'forward' | 'postrouting'; priority: number };
}
export interface Table {
  family: Family;
  name: string;
  chains: readonly Chain[];
  /** Sets of interface names. */
  sets: readonly { name: string; elements: readonly string[] }[];
  /** From interface name to chain. */
  maps: readonly { name: string; jumps: readonly { from: string; chain: string }[] }[];
  rules: readonly Rule[];
}

export type Json = Record<string, unknown>;

export const iif: Left = { meta: 'iifname' };
export const oif: Left = { meta: 'oifname' };
export const field = (...name: Field): Left => ({ field: name });
export const is = (left: Left, right: Right): Match => ({ left, op: '==', right });
export const isNot = (left: Left, right: Right): Match => ({ left, op: '!=', right });

/** A string that nft cannot take for a reference, a wildcard or more than one word. */
function word(text: string): string {
  if (!/^[a-zA-Z0-9_.:-]+$/.test(text)) throw new Error(`${JSON.stringify(text)} cannot be in a rule of the firewall`);
  return text;
}
const value = (item: string | number) => (typeof item === 'string' ? word(item) : item);

function leftJson(left: Left): Json {
  if ('meta' in left) return { meta: { key: left.meta } };
  if ('transport' in left)
    return { payload: { base: 'th', offset: left.transport.offset, len: left.transport.length } };
  return { payload: { protocol: left.field[0], field: left.field[1] } };
}

function rightJson(right: Right): unknown {
  if (typeof right !== 'object') return value(right);
  if ('prefix' in right) return { prefix: { addr: word(right.prefix.addr), len: right.prefix.len } };
  if ('namedSet' in right) return `@${word(right.namedSet)}`;
  return { set: right.anyOf.map(value) };
}

function verdictJson(verdict: Rule['verdict']): Json {
  if (typeof verdict === 'string') return { [verdict]: null };
  return { vmap: { key: { meta: { key: verdict.lookUp.key } }, data: `@${word(verdict.lookUp.map)}` } };
}

function ruleJson(table: Json, rule: Rule): Json {
  const matches = rule.when.map((match) => ({
    match: { op: match.op, left: leftJson(match.left), right: rightJson(match.right) },
  }));
  return { ...table, chain: word(rule.chain), expr: [...matches, verdictJson(rule.verdict)] };
}

function chainJson(table: Json, chain: Chain): Json {
  const base = chain.hook
    ? { type: chain.hook.type, hook: chain.hook.at, prio: chain.hook.priority, policy: 'accept' }
    : {};
  return { ...table, name: word(chain.name), ...base };
}

/** Commands that put exactly this table in the place of whatever had its name. */
export function replaceTable(table: Table): Json[] {
  const here = { family: table.family, table: word(table.name) };
  return [
    ...removeTable(table),
    { add: { table: { family: table.family, name: table.name } } },
    ...table.chains.map((chain) => ({ add: { chain: chainJson(here, chain) } })),
    ...table.sets.map((set) => ({
      add: {
        set: {
          ...here,
          name: word(set.name),
          type: 'ifname',
          ...(set.elements.length > 0 ? { elem: set.elements.map(word) } : {}),
        },
      },
    })),
    ...table.maps.map((map) => {
      const elements = map.jumps.map(({ from, chain }) => [word(from), { jump: { target: word(chain) } }]);
      return {
        add: {
          map: {
            ...here,
            name: word(map.name),
            type: 'ifname',
            map: 'verdict',
            ...(elements.length > 0 ? { elem: elements } : {}),
          },
        },
      };
    }),
    ...table.rules.map((rule) => ({ add: { rule: ruleJson(here, rule) } })),
  ];
}

/** Fine when it is not there: deleting needs it, so it is added first. */
export function removeTable(table: Pick<Table, 'family' | 'name'>): Json[] {
  const name = { table: { family: table.family, name: word(table.name) } };
  return [{ add: name }, { delete: name }];
}

type TableRef = Pick<Table, 'family' | 'name'>;
const inside = (table: TableRef) => ({ family: table.family, table: word(table.name) });

/** Exactly these rules in a chain, which is made when it is not there. */
export function replaceChain(table: TableRef, name: string, rules: readonly Rule[]): Json[] {
  const chain = { chain: { ...inside(table), name: word(name) } };
  return [{ add: chain }, { flush: chain }, ...rules.map((rule) => ({ add: { rule: ruleJson(inside(table), rule) } }))];
}

/** It must be there, and nothing may jump to it. */
export function removeChain(table: TableRef, name: string): Json[] {
  const chain = { chain: { ...inside(table), name: word(name) } };
  return [{ flush: chain }, { delete: chain }];
}

/** An interface in a set, or in a map with the chain that it jumps to. Adding what is there is fine; removing what is not, is not. */
export function element(verb: 'add' | 'delete', table: TableRef, name: string, from: string, chain?: string): Json {
  const item = chain === undefined ? word(from) : [word(from), { jump: { target: word(chain) } }];
  return { [verb]: { element: { ...inside(table), name: word(name), elem: [item] } } };
}

/** All or nothing. Through a file in a private directory: nft opens its input by name, which a socket (what Node makes as a pipe) has not. */
export async function applyNft(commands: readonly Json[], directory: string): Promise<void> {
  const path = join(directory, `.nft-${randomUUID()}.json`);
  await writeFile(path, JSON.stringify({ nftables: commands }), { mode: 0o600, flag: 'wx' });
  try {
    await run('nft', ['-j', '-f', path]);
  } finally {
    await rm(path, { force: true });
  }
}

/** Names of the tables of a family that exist. */
export async function listTables(family: Family): Promise<string[]> {
  const { stdout } = await run('nft', ['-j', 'list', 'tables', family]);
  const answer = JSON.parse(stdout) as { nftables?: { table?: { name?: string } }[] };
  return (answer.nftables ?? []).flatMap((entry) => entry.table?.name ?? []);
}
