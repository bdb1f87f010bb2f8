import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleNetwork, examplePort } from '../driver.contract.ts';
import { renderDnsmasqConfig, renderHost } from './dnsmasq-config.ts';

const files = { hostsDirectory: '/s/hosts', leases: '/s/leases', pid: '/s/pid', log: '/s/log' };
const lines = (spec = exampleNetwork()) => renderDnsmasqConfig(spec, files, 'dnsmasq').split('\n');
const spec = exampleNetwork();

describe('the configuration of dnsmasq', () => {
  it('binds to the bridge only and runs as nobody important', () => {
    expect(lines()).toEqual(
      expect.arrayContaining([
        'user=dnsmasq',
        'interface=lab0',
        'except-interface=lo',
        'bind-interfaces',
        'no-ping',
        'dhcp-ignore-names',
      ]),
    );
  });

  it('lends the subnet without the bridge itself', () => {
    expect(lines()).toContain('dhcp-range=10.77.1.2,10.77.1.254,1h');
    expect(lines({ ...spec, ipv4: { ...spec.ipv4!, address: '10.77.1.200/24' } })).toContain(
      'dhcp-range=10.77.1.1,10.77.1.254,1h',
    );
  });

  it('lends the ranges that were given, of this subnet', () => {
    const dhcpRanges = ['10.77.1.10-10.77.1.20', '10.77.1.30 - 10.77.1.40'];
    const text = lines({ ...spec, ipv4: { ...spec.ipv4!, dhcpRanges, dhcpExpiry: '30m' } });
    expect(text.filter((line) => line.startsWith('dhcp-range=10.'))).toEqual([
      'dhcp-range=10.77.1.10,10.77.1.20,30m',
      'dhcp-range=10.77.1.30,10.77.1.40,30m',
    ]);
    expect(() => lines({ ...spec, ipv4: { ...spec.ipv4!, dhcpRanges: ['10.78.1.10-10.78.1.20'] } })).toThrow(
      'not in 10.77.1.1/24',
    );
  });

  it('follows the keys of IPv6, DNS and routing', () => {
    expect(lines()).toContain('dhcp-range=::,constructor:lab0,ra-stateless,ra-names');
    expect(lines({ ...spec, ipv6: { ...spec.ipv6!, dhcp: false } })).toContain(
      'dhcp-range=::,constructor:lab0,ra-only,ra-names',
    );
    expect(lines({ ...spec, ipv6: { ...spec.ipv6!, stateful: true } })).toContain(
      'dhcp-range=fd42:77:1:1::2,fd42:77:1:1::ffff,64,1h',
    );
    expect(lines({ ...spec, dns: { domain: 'x', mode: 'none' } })).toContain('port=0');
    expect(lines({ ...spec, dns: { domain: 'x', mode: 'dynamic' } })).not.toContain('dhcp-ignore-names');
    expect(lines({ ...spec, ipv4: { ...spec.ipv4!, routing: false } })).toContain('dhcp-option=3');
    expect(lines({ ...spec, ipv4: null, ipv6: null }).some((line) => line.startsWith('dhcp-range'))).toBe(false);
  });

  it('has the same options in the same lines whatever a user types', () => {
    const names = (text: string[]) => text.map((line) => line.split('=')[0]);
    const usual = names(lines());
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.domain()), (domain) => {
        let text: string[];
        try {
          text = lines({ ...spec, dns: { domain, mode: 'managed' } });
        } catch {
          return;
        }
        expect(names(text)).toEqual(usual);
      }),
    );
    for (const interfaceName of ['lab*', '@lab', 'a b', 'a,b', '', '-x', 'sixteen-letters-', 'a\nb', 'lo', 'a/b']) {
      expect(() => lines({ ...spec, ref: { ...spec.ref, interfaceName } }), interfaceName).toThrow();
    }
    expect(() => renderDnsmasqConfig(spec, { ...files, log: '/s,t/log' }, 'dnsmasq')).toThrow('log-facility');
  });
});

describe('the line of a port', () => {
  it('names the instance with its domain, so that no name is a keyword', () => {
    for (const hostname of ['ignore', '10m', '42', 'infinite']) {
      expect(renderHost(examplePort({ hostname }), spec.dns)).toBe(`10:66:6a:00:00:01,${hostname}.stapes\n`);
    }
    const addresses = { ipv4Address: '10.77.1.5', ipv6Address: 'fd42:77:1:1::5', hwaddr: '10:66:6A:00:00:0A' };
    expect(renderHost(examplePort(addresses), spec.dns)).toBe(
      '10:66:6a:00:00:0a,10.77.1.5,[fd42:77:1:1::5],web.stapes\n',
    );
    expect(renderHost(examplePort(), { domain: 'x', mode: 'none' })).toBeNull();
  });

  it('is one line of known fields or nothing', () => {
    const any = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a,ignore', 'a\nb', 'set:x', 'a#b', 'id:*'),
    );
    fc.assert(
      fc.property(any, any, any, (hostname, hwaddr, ipv4Address) => {
        for (const changes of [{ hostname }, { hwaddr }, { ipv4Address }]) {
          let text: string | null = null;
          try {
            text = renderHost(examplePort(changes), spec.dns);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid' });
          }
          if (text !== null) expect(text).toMatch(/^[0-9a-f:]{17}(,[0-9.]+)?,[a-zA-Z0-9-]+\.stapes\n$/);
        }
      }),
    );
  });
});
