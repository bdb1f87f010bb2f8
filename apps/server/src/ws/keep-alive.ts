import type { WebSocket } from 'ws';

/** Ends a websocket whose other side is gone without a word (a closed laptop): two pings without an answer. */
export function keepAlive(socket: WebSocket, everyMs = 30_000): void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, everyMs);
  timer.unref();
  socket.on('close', () => clearInterval(timer));
}
