/**
 * Framing on the terminal host's socket: length (4 bytes, of the payload), kind (1 byte), payload. `bytes` are a stream, so that a reader gets them in
 * whatever pieces come; `whole` and `json` arrive in one piece.
 */
export const frameKinds = { bytes: 0, json: 1, whole: 2 } as const;
type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

const headerBytes = 5;
const mostFrameBytes = 64 * 1024 * 1024;

export function frameHeader(kind: FrameKind, length: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32BE(length, 0);
  header.writeUInt8(kind, 4);
  return header;
}

/** A whole frame. */
export function encodeFrame(kind: FrameKind, payload: Buffer): Buffer {
  return Buffer.concat([frameHeader(kind, payload.length), payload]);
}

export function encodeJson(value: unknown): Buffer {
  return encodeFrame(frameKinds.json, Buffer.from(JSON.stringify(value)));
}

export interface FrameHandlers {
  onBytes(bytes: Buffer): void;
  onWhole(bytes: Buffer): void;
  onJson(value: unknown): void;
}

/** Returns a function that takes what a socket reads. It throws for what is no frame; the connection is of no more use then. */
export function createFrameReader(handlers: FrameHandlers): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let kind = 0;
  let left = 0;
  let parts: Buffer[] = [];

  function finish(): void {
    if (kind === frameKinds.bytes) return;
    const whole = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    parts = [];
    if (kind === frameKinds.json) handlers.onJson(JSON.parse(whole.toString('utf8')));
    else handlers.onWhole(whole);
  }
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const wanted = headerBytes - header.length;
        header = Buffer.concat([header, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (header.length < headerBytes) return;
        left = header.readUInt32BE(0);
        kind = header.readUInt8(4);
        header = Buffer.alloc(0);
        if (kind > 2 || left > mostFrameBytes) throw new Error('This is not a frame of the terminal host');
        if (left === 0) finish();
        continue;
      }
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      if (kind === frameKinds.bytes) handlers.onBytes(piece);
      else parts.push(piece);
      if (left === 0) finish();
    }
  };
}
