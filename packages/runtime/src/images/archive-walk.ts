import { DomainError } from '@stapes/contract/errors';
import { MemberPolicy, refused } from './member-policy.ts';
import type { UnpackLimits } from './source.ts';
import { ByteSource } from './tar/byte-source.ts';
import type { TarMember } from './tar/member.ts';
import { TarReader } from './tar/tar-reader.ts';

/** `unified`: metadata.yaml, templates/ and rootfs/ in one; `metadata`: the first two; `rootfs`: the root file system from its top. */
export type ArchiveLayout = 'unified' | 'metadata' | 'rootfs';

export interface ArchiveVisitor {
  metadata(bytes: Buffer): void;
  template(name: string, bytes: Buffer): void;
  /** A member of the root file system under its name there (`.` is its top); its content follows in chunks. */
  rootfs(member: TarMember): Promise<void> | void;
  rootfsContent(chunk: Buffer): Promise<void> | void;
}

export const maxMetadataBytes = 256 * 1024;
const maxTemplateBytes = 256 * 1024;
const maxTemplates = 64;
const templateName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/;

/** Reads an uncompressed archive to its end; every member passes the policy before the visitor sees it. */
export async function walkArchive(
  chunks: AsyncIterable<Buffer>,
  layout: ArchiveLayout,
  limits: UnpackLimits,
  visitor: ArchiveVisitor,
): Promise<void> {
  // Headers and padding come on top of the contents.
  const source = new ByteSource(chunks, limits.maxBytes + limits.maxEntries * 4096 + 1024 * 1024);
  try {
    await walkMembers(new TarReader(source), layout, new MemberPolicy(limits), visitor);
  } finally {
    await source.close();
  }
}

async function walkMembers(
  reader: TarReader,
  layout: ArchiveLayout,
  policy: MemberPolicy,
  visitor: ArchiveVisitor,
): Promise<void> {
  const found = { metadata: false, rootfs: layout === 'rootfs', templates: 0 };
  for (let member = await reader.next(); member; member = await reader.next()) {
    const { path, impliedParents, member: admitted } = policy.admit(member);
    const [top = '', ...below] = path.split('/');
    if (layout === 'rootfs' || top === 'rootfs') {
      if (layout === 'metadata')
        throw refused(path, 'the metadata archive of a split image must not have a root file system');
      found.rootfs = true;
      await visitRootfs({ path, impliedParents, member: admitted, kind: member.type }, layout, reader, visitor);
    } else if (top === 'metadata.yaml') {
      if (member.type !== 'file') throw refused(path, 'metadata.yaml must be a regular file');
      found.metadata = true;
      visitor.metadata(await reader.contentWithin(maxMetadataBytes, 'metadata.yaml'));
    } else if (top === 'templates') {
      if (below.length === 0) requireDirectory(path, member);
      else {
        if (++found.templates > maxTemplates)
          throw new DomainError('too-large', `The image has more than ${maxTemplates} templates`);
        await visitTemplate(path, below, member, { reader, visitor });
      }
    } else if (!['file', 'directory'].includes(member.type)) {
      throw refused(path, 'only files and directories may lie beside metadata.yaml, templates and rootfs');
    }
  }
  if (layout !== 'rootfs' && !found.metadata)
    throw new DomainError('invalid', 'The image has no metadata.yaml at its top');
  if (!found.rootfs && layout === 'unified')
    throw new DomainError('invalid', 'The image has no rootfs directory at its top');
}

interface RootfsMember {
  path: string;
  impliedParents: string[];
  member: TarMember | null;
  kind: TarMember['type'];
}

async function visitRootfs(
  found: RootfsMember,
  layout: ArchiveLayout,
  reader: TarReader,
  visitor: ArchiveVisitor,
): Promise<void> {
  const prefix = layout === 'unified' ? 'rootfs/' : '';
  const inside = (path: string) => (path === 'rootfs' && prefix ? '.' : path.slice(prefix.length));
  const isTop = layout === 'unified' && found.path === 'rootfs';
  if (isTop && found.kind !== 'directory') throw refused(found.path, 'rootfs must be a directory');
  for (const parent of found.impliedParents) await visitor.rootfs(impliedDirectory(inside(parent)));
  const { member } = found;
  if (!member) return;
  let linkTarget = member.linkTarget;
  if (member.type === 'hardlink') {
    if (!linkTarget.startsWith(prefix))
      throw refused(found.path, 'it is a hard link to what is outside the root file system');
    linkTarget = linkTarget.slice(prefix.length);
  }
  await visitor.rootfs({ ...member, name: found.path === '' ? '.' : inside(found.path), linkTarget });
  for (let chunk = await reader.content(); chunk; chunk = await reader.content()) await visitor.rootfsContent(chunk);
}

async function visitTemplate(
  path: string,
  below: string[],
  member: TarMember,
  { reader, visitor }: { reader: TarReader; visitor: ArchiveVisitor },
): Promise<void> {
  const name = below[0] ?? '';
  if (below.length !== 1 || member.type !== 'file' || !templateName.test(name)) {
    throw refused(path, 'templates must be regular files, right in templates/, with plain names');
  }
  visitor.template(name, await reader.contentWithin(maxTemplateBytes, `The template ${name}`));
}

function requireDirectory(path: string, member: TarMember): void {
  if (member.type !== 'directory') throw refused(path, 'it must be a directory');
}

function impliedDirectory(name: string): TarMember {
  return {
    type: 'directory',
    name,
    linkTarget: '',
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: '0',
    attributes: new Map(),
  };
}
