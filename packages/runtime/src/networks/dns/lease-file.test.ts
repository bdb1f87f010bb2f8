import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bareName, isLeaseOf, parseLeaseFile } from './lease-file.ts';

const text = `1700000000 10:66:6a:00:00:01 10.77.1.5 web 01:10:66:6a:00:00:01
1700000001 10:66:6a:00:00:02 10.77.1.6 * *
duid 00:01:00:01:2e:aa:bb:cc:10:66:6a:00:00:ff
1700000002 6946817 fd42:77:1:1::5 db 00:03:00:01:10:66:6a:00:00:01
1700000002 T6946818 fd42:77:1:1::6 * 00:02:00:00:ab:11
`;

it('reads leases of both families', () => {
  const { leases, serverDuid } = parseLeaseFile(text);
  expect(serverDuid).toBe('00:01:00:01:2e:aa:bb:cc:10:66:6a:00:00:ff');
  expect(
    leases.map(({ family, key, address, hostname, clientId }) => [family, key, address, hostname, clientId]),
  ).toEqual([
    [4, '10:66:6a:00:00:01', '10.77.1.5', 'web', '01:10:66:6a:00:00:01'],
    [4, '10:66:6a:00:00:02', '10.77.1.6', '', ''],
    [6, '6946817', 'fd42:77:1:1::5', 'db', '00:03:00:01:10:66:6a:00:00:01'],
    [6, '6946818', 'fd42:77:1:1::6', '', '00:02:00:00:ab:11'],
  ]);
  expect(leases.map((lease) => isLeaseOf(lease, '10:66:6A:00:00:01'))).toEqual([true, false, true, false]);
  expect(bareName('web.stapes')).toBe('web');
});

it('passes over what it does not know', () => {
  expect(parseLeaseFile('').leases).toEqual([]);
  expect(parseLeaseFile('17000').leases).toEqual([]);
  fc.assert(
    fc.property(fc.string(), (noise) => {
      expect(parseLeaseFile(noise).leases.every((lease) => lease.address !== '')).toBe(true);
    }),
  );
});
