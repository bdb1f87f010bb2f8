import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ConfigKey, ConfigScope } from '@stapes/contract/config-keys/declare';
import { describeType } from '@stapes/contract/config-keys/document-keys';
import { keysOf } from '@stapes/contract/config-keys/registry';

/** Writes docs/configuration-keys.md from the registry: `npx tsx scripts/docs/config-keys.ts`. */

const chapters: [ConfigScope, string][] = [
  ['instance', 'Instances and profiles'],
  ['device-disk', 'Disk devices'],
  ['device-nic', 'NIC devices'],
  ['network-bridge', 'Bridge networks'],
  ['storage-dir', 'Storage pools of the driver `dir`'],
  ['storage-btrfs', 'Storage pools of the driver `btrfs`'],
  ['server', 'Server'],
];

export const documentPath = new URL('../../docs/configuration-keys.md', import.meta.url);

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');

function row(key: ConfigKey): string {
  const notes = [
    key.required ? 'Required.' : '',
    key.readOnly ? 'Set by the server.' : '',
    key.condition === 'container' ? 'Containers only.' : '',
    key.condition === 'virtual-machine' ? 'Virtual machines only.' : '',
  ].filter(Boolean);
  const short = [key.short, ...notes].join(' ');
  return `| \`${key.key}\` | ${cell(describeType(key.type))} | ${cell(key.default ?? '')} | ${key.live ? 'yes' : 'no'} | ${cell(short)} |`;
}

function chapter([scope, title]: [ConfigScope, string]): string {
  const keys = keysOf(scope);
  const groups = [...new Set(keys.map((key) => key.group))];
  const tables = groups.map((group) => {
    const heading = groups.length > 1 ? `### ${group}\n\n` : '';
    const head = '| Key | Value | Default | Live | |\n| --- | --- | --- | --- | --- |\n';
    const rows = keys.filter((key) => key.group === group).map(row);
    return heading + head + rows.join('\n');
  });
  return `## ${title}\n\n${tables.join('\n\n')}`;
}

export function renderConfigKeys(): string {
  const intro = [
    '# Configuration keys',
    'Written by `npx tsx scripts/docs/config-keys.ts` from the registry in `packages/contract/src/config-keys/`; change it there.',
    'Values are strings. An empty value unsets a key. "Live" says whether a change takes effect without a restart of the instance.',
    'A device also takes `type`, one of `disk`, `nic` and `none`; `none` has no other key and masks the device of a profile.',
  ];
  return `${[...intro, ...chapters.map(chapter)].join('\n\n')}\n`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(documentPath, renderConfigKeys());
