import type { ListenOptions, Server, TcpNetConnectOpts, IpcNetConnectOpts } from 'node:net';

export function relay(from: ListenOptions, to: TcpNetConnectOpts | IpcNetConnectOpts): Server;
