import { gzipSync } from 'node:zlib';

export interface Member {
  name: string;
  /** Regular file by default. */
  type?: '0' | '2' | '5';
  link?: string;
  content?: string | Buffer;
  /** What the header says, when that is not the truth. */
  declaredBytes?: number;
}

const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;

/** A tar as an attacker would write it: nothing is checked. */
export function tarOf(members: Member[]): Buffer {
  const blocks = members.flatMap(({ name, type = '0', link = '', content = '', declaredBytes }) => {
    const body = Buffer.from(content);
    const size = declaredBytes ?? body.length;
    const header = Buffer.alloc(512);
    header.write(name, 0, 100, 'latin1');
    header.write(octal(type === '5' ? 0o755 : 0o644, 8), 100);
    header.write(octal(0, 8), 108);
    header.write(octal(0, 8), 116);
    if (size > 0o77777777777) {
      header.writeUInt8(0x80, 124);
      header.writeBigUInt64BE(BigInt(size), 128);
    } else header.write(octal(size, 12), 124);
    header.write(octal(0, 12), 136);
    header.fill(' ', 148, 156);
    header.write(type, 156);
    header.write(link, 157, 100, 'latin1');
    header.write('ustar\0' + '00', 257);
    header.write(
      octal(
        header.reduce((sum, byte) => sum + byte, 0),
        7,
      ),
      148,
    );
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const metadata: Member = {
  name: 'metadata.yaml',
  content: 'architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  os: hostile\n',
};
export const directory = (name: string): Member => ({ name, type: '5' });

/** Image uploads of which none may become an instance; `outside` is a directory that none may write to. */
export function hostileArchives(outside: string): [string, Buffer][] {
  const rootfs = directory('rootfs');
  return [
    ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251))],
    ['nothing', Buffer.alloc(0)],
    [
      'half of a compressed archive',
      gzipSync(tarOf([metadata, rootfs, { name: 'rootfs/a', content: 'x' }])).subarray(0, 90),
    ],
    ['an archive without metadata', tarOf([rootfs])],
    ['a broken metadata.yaml', tarOf([{ name: 'metadata.yaml', content: '{[' }, rootfs])],
    [
      'rootfs as a symlink, and then as the parent of files',
      tarOf([metadata, { name: 'rootfs', type: '2', link: outside }, { name: 'rootfs/pwned', content: 'x' }]),
    ],
    [
      'rootfs twice: a directory, then a symlink',
      tarOf([metadata, rootfs, { name: 'rootfs', type: '2', link: outside }, { name: 'rootfs/pwned', content: 'x' }]),
    ],
    [
      'a name with ..',
      tarOf([metadata, rootfs, { name: `rootfs/../../../../../../..${outside}/pwned`, content: 'x' }]),
    ],
    [
      'metadata by a name with ..',
      tarOf([{ ...metadata, name: `../../../../../../..${outside}/pwned` }, metadata, rootfs, { name: 'rootfs/../x' }]),
    ],
    [
      'a symlink within, and a file beneath it',
      tarOf([
        metadata,
        rootfs,
        { name: 'rootfs/a', type: '2', link: outside },
        { name: 'rootfs/a/pwned', content: 'x' },
      ]),
    ],
    ['a file twice', tarOf([metadata, rootfs, { name: 'rootfs/a', content: '1' }, { name: 'rootfs/a', content: '2' }])],
    [
      'a metadata.yaml of 256 MiB in 256 KiB',
      gzipSync(tarOf([{ name: 'metadata.yaml', content: Buffer.alloc(256 * 1024 ** 2, '#') }, rootfs])),
    ],
    [
      'a file of 100 TiB by its header',
      tarOf([metadata, rootfs, { name: 'rootfs/big', content: 'x', declaredBytes: 100 * 1024 ** 4 }]),
    ],
  ];
}
