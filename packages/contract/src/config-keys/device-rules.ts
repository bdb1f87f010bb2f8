/** How the keys of a device go together. Each rule is only asked when every key is fine by itself. */

interface Problem {
  key: string;
  message: string;
}

const isTrue = (value: string | undefined) => /^(true|1|yes|on)$/i.test(value ?? '');

function checkDisk(config: ReadonlyMap<string, string>): Problem[] {
  const problems: Problem[] = [];
  const refuse = (key: string, message: string) => problems.push({ key, message });
  if (config.get('path') === '/') {
    if (!config.get('pool')) refuse('pool', 'The root disk needs a storage pool');
    for (const key of ['source', 'recursive', 'shift', 'readonly', 'required']) {
      if (config.get(key)) refuse(key, 'The root disk does not take this key');
    }
    return problems;
  }
  if (!config.get('source')) refuse('source', 'Give the file or directory of the host');
  if (config.get('pool')) refuse('pool', 'Only the root disk (path "/") takes a pool');
  if (config.get('size')) refuse('size', 'Only the root disk (path "/") has a size');
  // A read-only bind mount does not reach what is mounted below it.
  if (isTrue(config.get('recursive')) && isTrue(config.get('readonly')))
    refuse('recursive', 'A recursive disk cannot be read-only');
  return problems;
}

function checkNic(config: ReadonlyMap<string, string>): Problem[] {
  const problems: Problem[] = [];
  const refuse = (key: string, message: string) => problems.push({ key, message });
  if (config.get('network')) {
    if (config.get('nictype')) refuse('nictype', 'A NIC in a managed network takes its kind from there');
    if (config.get('parent')) refuse('parent', 'Give either a network or a parent');
    return problems;
  }
  if (!config.get('nictype')) refuse('network', 'Give the network that it is in');
  else if (!config.get('parent')) refuse('parent', 'Give the bridge that it is in');
  for (const key of ['ipv4.address', 'ipv6.address']) {
    if (config.get(key)) refuse(key, 'Only a managed network can give out a fixed address');
  }
  return problems;
}

export function checkDeviceAsWhole(type: 'disk' | 'nic' | 'none', config: ReadonlyMap<string, string>): Problem[] {
  const problems = type === 'disk' ? checkDisk(config) : type === 'nic' ? checkNic(config) : [];
  if (config.get('limits.max')) {
    for (const key of ['limits.read', 'limits.write', 'limits.ingress', 'limits.egress']) {
      if (config.get(key)) problems.push({ key, message: 'Give either this limit or limits.max' });
    }
  }
  return problems;
}
