import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { DomainError, messageOf } from '@stapes/contract/errors';

const dayMs = 24 * 60 * 60_000;
const lifeMs = 365 * dayMs;
const renewBeforeMs = 30 * dayMs;
/** Marks a certificate as ours to renew; somebody else's, put in its place, is left alone. */
const organisation = 'Stapes self-signed';

export interface Certificate {
  key: string;
  cert: string;
}

/** Reads `tls/server.{key,crt}` of the state directory, and makes or renews our own when it is missing, about to expire, or for other names. */
export async function ensureCertificate(options: {
  stateDir: string;
  names: string[];
  nowMs: number;
}): Promise<Certificate> {
  const directory = join(options.stateDir, 'tls');
  const found = readCertificate(directory);
  const names = [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...options.names])].filter(isUsableName);
  if (found && !isOursAndStale(found.cert, names, options.nowMs)) return found;
  const made = await generate(names, options.nowMs);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeWhole(join(directory, 'server.key'), made.key, 0o600);
  writeWhole(join(directory, 'server.crt'), made.cert, 0o644);
  return made;
}

function isUsableName(name: string): boolean {
  return isIP(name) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name);
}

function readCertificate(directory: string): Certificate | null {
  try {
    const key = readFileSync(join(directory, 'server.key'), 'utf8');
    return { key, cert: readFileSync(join(directory, 'server.crt'), 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new DomainError('internal', `Cannot read the certificate in ${directory}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function isOursAndStale(pem: string, names: string[], nowMs: number): boolean {
  let certificate: NodeCertificate;
  try {
    certificate = new NodeCertificate(pem);
  } catch {
    return true; // half written or damaged
  }
  if (!certificate.subject.includes(organisation)) return false;
  const isExpiring =
    nowMs > Date.parse(certificate.validTo) - renewBeforeMs || nowMs < Date.parse(certificate.validFrom);
  const covers = (name: string) =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return isExpiring || !names.every(covers);
}

async function generate(names: string[], nowMs: number): Promise<Certificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      // A number of its own: browsers refuse a second certificate of the same issuer with the same number.
      serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(16)))
        .toString('hex')
        .replace(/^./, '4'),
      name: [{ O: [organisation] }, { CN: ['Stapes'] }],
      notBefore: new Date(nowMs - dayMs),
      notAfter: new Date(nowMs + lifeMs),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          names.map((name) => ({ type: isIP(name) ? ('ip' as const) : ('dns' as const), value: name })),
        ),
      ],
    },
    crypto,
  );
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: PemConverter.encode(pkcs8, 'PRIVATE KEY'), cert: certificate.toString('pem') };
}

/** A reader sees the old file or the new one, never half of one. */
function writeWhole(path: string, content: string, mode: number): void {
  writeFileSync(`${path}.new`, content, { mode });
  renameSync(`${path}.new`, path);
}
