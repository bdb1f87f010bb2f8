import { request } from 'node:http';
import WebSocket from 'ws';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // The tests look into answers of every shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  raw: Buffer;
}

/** A REST client over the unix socket. */
export class Rest {
  constructor(readonly socketPath: string) {}

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const isRaw = Buffer.isBuffer(body) || typeof body === 'string';
    const payload = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(
        {
          socketPath: this.socketPath,
          method,
          path,
          headers: { ...(payload !== undefined && !isRaw ? { 'content-type': 'application/json' } : {}), ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const raw = Buffer.concat(chunks);
            const isJson = raw.length > 0 && String(response.headers['content-type']).includes('json');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              raw,
              body: isJson ? JSON.parse(raw.toString()) : raw.toString(),
            });
          });
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  /** Starts an operation and waits for its end; throws with its error. Returns the operation. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  async finish(method: string, path: string, body?: unknown): Promise<any> {
    const started = await this.call(method, path, body);
    if (started.status !== 202) throw new Error(`${method} ${path}: ${started.status} ${started.raw.toString()}`);
    const ended = await this.get(`${started.body.operation}/wait?timeout=600`);
    if (ended.body.metadata.status_code !== 200) throw new Error(`${method} ${path}: ${ended.body.metadata.err}`);
    return ended.body.metadata;
  }

  socket(path: string): WebSocket {
    return new WebSocket(`ws+unix://${this.socketPath}:${path}`);
  }
}
