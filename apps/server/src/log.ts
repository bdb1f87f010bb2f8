import pino, { type Logger } from 'pino';

export type Log = Logger;

/** Structured log on stdout. Secrets are removed by name wherever they stand in a logged object. */
export function createLog(level: string): Log {
  const secrets = ['passphrase', 'token', 'secret', 'cookie', 'authorization', 'password'];
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        ...secrets,
        ...secrets.map((name) => `*.${name}`),
        ...secrets.map((name) => `*.*.${name}`),
        'req.headers.cookie',
        'req.headers.authorization',
        'res.headers["set-cookie"]',
      ],
      censor: '[removed]',
    },
    serializers: { err: pino.stdSerializers.err },
  });
}
