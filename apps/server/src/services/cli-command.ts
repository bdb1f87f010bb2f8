import type { CreateInstance } from '@stapes/contract/instance';

/** The `lxc` command that does the same as a request, as argv. */
export function cliCommand(request: CreateInstance, name: string): string[] {
  const { source } = request;
  const verb = source.type === 'copy' ? 'copy' : request.start ? 'launch' : 'init';
  const command = ['lxc', verb];
  if (source.type === 'copy') command.push(source.source ?? '');
  else if (source.type === 'none') command.push('--empty');
  else command.push(source.alias || source.fingerprint || source.recipe || '');
  command.push(name);
  if (request.ephemeral) command.push('--ephemeral');
  for (const profile of request.profiles ?? []) command.push('--profile', profile);
  if (request.profiles?.length === 0) command.push('--no-profiles');
  for (const [key, value] of Object.entries(request.config ?? {})) command.push('--config', `${key}=${value}`);
  for (const [device, keys] of Object.entries(request.devices ?? {})) {
    const pairs = Object.entries(keys);
    for (const [key, value] of pairs) command.push('--device', `${device},${key}=${value}`);
  }
  return command;
}
