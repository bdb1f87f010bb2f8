import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleNetwork, examplePort } from '../driver.contract.ts';
import { networksTable } from './network-rules.ts';
import { replaceTable, type Rule } from './nft.ts';
import { changePort, portsTable } from './port-rules.ts';

const verdicts = (rules: readonly Rule[], chain: string) =>
  rules.filter((rule) => rule.chain === chain).map((rule) => rule.verdict);
const all = { mac: true, ipv4: true, ipv6: true };
const filtered = (changes = {}) => ({
  ...examplePort({ filter: all, ipv4Address: '10.77.1.5' }),
  ipv6Network: 'fd42:77:1:1::1/64',
  ...changes,
});

describe('rules of networks', () => {
  it('replace the whole table in one transaction', () => {
    const commands = replaceTable(networksTable('stapes_x', [exampleNetwork()]));
    expect(commands.slice(0, 3).map((command) => Object.keys(command)[0])).toEqual(['add', 'delete', 'add']);
  });

  it('hide nothing without NAT and accept nothing without the firewall', () => {
    const spec = exampleNetwork({ ipv6: null });
    const table = networksTable('t', [{ ...spec, ipv4: { ...spec.ipv4!, nat: false, firewall: false } }]);
    expect(verdicts(table.rules, 'postrouting')).toEqual([]);
    expect(verdicts(table.rules, 'forward')).toEqual([]);
    // The resolver stays closed to other networks all the same.
    expect(verdicts(table.rules, 'input')).toEqual(['drop', 'drop']);
  });

  it('forward nothing in or out of a network that does not route', () => {
    const spec = exampleNetwork({ ipv6: null });
    const table = networksTable('t', [{ ...spec, ipv4: { ...spec.ipv4!, routing: false } }]);
    expect(verdicts(table.rules, 'forward')).toEqual(['accept', 'drop', 'drop']);
  });
});

describe('rules of ports', () => {
  it('check the sender before anything is accepted', () => {
    const rules = portsTable('t', [filtered()]).rules.filter((rule) => rule.chain === 'port_port1');
    const firstAccept = rules.findIndex((rule) => rule.verdict === 'accept');
    const fields = rules.slice(0, firstAccept).map((rule) => JSON.stringify(rule.when));
    expect(fields.some((text) => text.includes('["ether","saddr"]'))).toBe(true);
    expect(rules.slice(0, firstAccept).every((rule) => rule.verdict === 'drop')).toBe(true);
    expect(rules.at(-1)?.verdict).toBe('drop');
  });

  it('are there for filtered ports only', () => {
    const table = portsTable('t', [
      { ...examplePort({ isolated: true }), ipv6Network: null },
      filtered({ portId: 'port2', hostName: 'st0002' }),
    ]);
    expect(table.maps[0]?.jumps).toEqual([{ from: 'st0002', chain: 'port_port2' }]);
    expect(table.sets[0]?.elements).toEqual(['st0001']);
  });

  it('change for one port as it changes', () => {
    const kinds = (commands: object[]) =>
      commands.map(
        (command) => Object.entries(command).map(([verb, what]) => `${verb} ${Object.keys(what as object)[0]}`)[0],
      );
    const plain = { ...examplePort(), ipv6Network: null };
    expect(changePort('t', null, plain)).toEqual([]);
    expect(changePort('t', plain, null)).toEqual([]);
    expect(kinds(changePort('t', null, filtered()))).toEqual(
      expect.arrayContaining(['add chain', 'flush chain', 'add rule', 'add element']),
    );
    expect(kinds(changePort('t', filtered(), null))).toEqual(['delete element', 'flush chain', 'delete chain']);
    expect(kinds(changePort('t', filtered(), plain))).toEqual(['delete element', 'flush chain', 'delete chain']);
    expect(kinds(changePort('t', filtered(), filtered({ hostName: 'st0002' }))).slice(-2)).toEqual([
      'add element',
      'delete element',
    ]);
    expect(kinds(changePort('t', { ...plain, isolated: true }, plain))).toEqual(['delete element']);
  });

  it('take no text that could be more than a name or an address', () => {
    fc.assert(
      fc.property(fc.constantFrom('hostName', 'hwaddr', 'portId', 'ipv4Address'), fc.string(), (key, text) => {
        let commands: object[] = [];
        try {
          commands = replaceTable(portsTable('t', [filtered({ [key]: text })]));
        } catch {
          return;
        }
        for (const match of JSON.stringify(commands).matchAll(/"((?:[^"\\]|\\.)*)"/g))
          expect(match[1]).toMatch(/^([a-zA-Z0-9_.:@ -]*|[!=]=)$/);
      }),
    );
    for (const hostName of ['st*', '@isolated', 'a b', 'x"; drop', ''])
      expect(() => portsTable('t', [filtered({ hostName })]), hostName).toThrow();
  });
});
