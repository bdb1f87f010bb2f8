import { describe, expect, it } from 'vitest';
import { chooseMirrors, parseDeb822Sources, parseOneLineSources, selectAptOptions } from './mirror.ts';

describe('mirror of the image builder', () => {
  it('reads both forms of apt sources', () => {
    const list =
      '# deb http://no/debian bookworm main\ndeb [arch=amd64] http://mirror/debian/ bookworm main\ndeb-src http://no/debian bookworm main';
    expect(parseOneLineSources(list)).toEqual([{ uri: 'http://mirror/debian/', suites: ['bookworm'] }]);
    const sources =
      'Types: deb\n# note\nURIs: http://m/debian\nSuites: bookworm\n bookworm-updates\n\nTypes: deb\nEnabled: no\nURIs: http://no/debian\nSuites: bookworm';
    expect(parseDeb822Sources(sources)).toEqual([{ uri: 'http://m/debian', suites: ['bookworm', 'bookworm-updates'] }]);
  });
  it("prefers what is set, then the host's own mirror, then Debian's", () => {
    const host = [
      { uri: 'http://m/debian/', suites: ['bookworm'] },
      { uri: 'http://m/security', suites: ['bookworm-security'] },
    ];
    expect(chooseMirrors(host, 'bookworm', {})).toEqual({ main: 'http://m/debian', security: 'http://m/security' });
    expect(chooseMirrors(host, 'bookworm', { STAPES_DEBIAN_MIRROR: 'http://x/debian' }).main).toBe('http://x/debian');
    expect(chooseMirrors([], 'bookworm', {}).main).toBe('http://deb.debian.org/debian');
    expect(chooseMirrors([{ uri: 'http://ubuntu/ubuntu', suites: ['noble'] }], 'bookworm', {}).main).toBe(
      'http://deb.debian.org/debian',
    );
  });
  it('passes on proxies and date checks, and nothing else', () => {
    const dump =
      'Acquire::http::Proxy "http://p:1";\nAcquire::Check-Date "false";\nDPkg::Pre-Invoke "x";\nAcquire::http::Proxy "";';
    expect(selectAptOptions(dump)).toEqual(['Acquire::http::Proxy "http://p:1";', 'Acquire::Check-Date "false";']);
  });
});
