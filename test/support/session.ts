import { request } from 'node:https';
import WebSocket from 'ws';
import type { TestServer } from './server.ts';

export const passphrase = 'correct horse battery staple';

/** A signed-in browser without a browser: cookie, tRPC calls, websockets with the right Origin. */
export class Session {
  #cookie = '';
  constructor(readonly server: TestServer) {}

  /** Uses the printed one-time link. */
  async setUp(): Promise<this> {
    const token = new URL(this.server.link).hash.replace('#token=', '');
    await this.mutate('auth.setup', { token, passphrase });
    return this;
  }
  async signIn(): Promise<this> {
    await this.mutate('auth.login', { passphrase });
    return this;
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  query(path: string, input?: unknown): Promise<any> {
    return this.#call(
      'GET',
      `/trpc/${path}${input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`}`,
    );
  }
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  mutate(path: string, input?: unknown): Promise<any> {
    return this.#call('POST', `/trpc/${path}`, input);
  }
  socket(path: string): WebSocket {
    return new WebSocket(`wss://localhost:${this.server.port}${path}`, {
      headers: { cookie: this.#cookie, origin: this.server.origin },
      rejectUnauthorized: false,
    });
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: 'localhost',
          port: this.server.port,
          method,
          path,
          rejectUnauthorized: false,
          headers: {
            origin: this.server.origin,
            ...(this.#cookie ? { cookie: this.#cookie } : {}),
            ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            for (const cookie of response.headers['set-cookie'] ?? []) this.#cookie = cookie.split(';')[0] ?? '';
            const text = Buffer.concat(chunks).toString();
            if (response.statusCode !== 200)
              return reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
            resolve((JSON.parse(text) as { result: { data?: unknown } }).result.data);
          });
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }
}
