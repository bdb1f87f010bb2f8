import { describe, expect, it } from 'vitest';
import { createRequestGuard, hostNameOf } from './request-guard.ts';
import { contentSecurityPolicy, inlineScriptHashes } from './security-headers.ts';

const origin = 'https://stapes.example:8443';
const guard = createRequestGuard(origin, 'https');
const refused = { code: 'forbidden' };

describe('the host', () => {
  it.each(['stapes.example:8443', 'STAPES.EXAMPLE', 'localhost:1', '127.0.0.1:8443', '[::1]:8443', '192.168.1.7'])(
    'may be %s',
    (host) => {
      expect(() => guard.checkHost({ host })).not.toThrow();
    },
  );
  it.each([
    'evil.example',
    'stapes.example.evil.example',
    'localhost.evil.example',
    '',
    'a b',
    '[evil]',
    'localhost:1:2',
    '127.0.0.1.evil.example',
  ])('may not be "%s"', (host) => {
    expect(() => guard.checkHost({ host })).toThrow(expect.objectContaining(refused));
  });
  it('may not be missing', () => {
    expect(() => guard.checkHost({})).toThrow(expect.objectContaining(refused));
    expect(hostNameOf('[fe80::1]:80')).toBe('fe80::1');
  });
});

describe('the site', () => {
  it.each([
    [{}],
    [{ origin }],
    [{ origin: 'https://localhost:8443', host: 'localhost:8443' }],
    [{ origin, 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'none' }],
  ])('may be that of %j', (headers) => {
    expect(() => guard.checkSite(headers)).not.toThrow();
  });
  it.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'http://stapes.example:8443', host: 'stapes.example:8443' }],
    [{ origin: 'https://stapes.example', host: 'stapes.example:8443' }],
    [{ origin: 'null' }],
    [{ origin: '' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ origin, 'sec-fetch-site': 'same-site' }],
  ])('may not be that of %j', (headers) => {
    expect(() => guard.checkSite(headers)).toThrow(expect.objectContaining(refused));
    expect(() => guard.checkUpgrade(headers)).toThrow(expect.objectContaining(refused));
  });
  it('has to be said for a websocket', () => {
    expect(() => guard.checkUpgrade({})).toThrow(expect.objectContaining(refused));
    expect(() => guard.checkUpgrade({ origin })).not.toThrow();
  });
});

describe('the content policy', () => {
  it('knows each inline script by its hash, and no file', () => {
    const html =
      '<script>alert(1)</script><script async src="/a.js"></script><SCRIPT id="x">\n2\n</SCRIPT ><script>alert(1)</script>';
    expect(inlineScriptHashes(html)).toEqual([
      "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='",
      expect.stringMatching(/^'sha256-[\w+/]{43}='$/),
    ]);
  });
  it('never lets inline scripts in by itself', () => {
    const scripts = contentSecurityPolicy()
      .split('; ')
      .find((part) => part.startsWith('script-src'));
    expect(scripts).toBe("script-src 'self'");
  });
});
