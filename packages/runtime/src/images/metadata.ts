import { DomainError } from '@stapes/contract/errors';
import { imageMetadataSchema, type ImageMetadata } from '@stapes/contract/image';
import { parseDocument } from 'yaml';

const maxNesting = 64;

/** Parses metadata.yaml: no aliases are expanded, and templates have bare names and targets that stay in the instance. */
export function parseImageMetadata(bytes: Buffer): ImageMetadata {
  const parsed = imageMetadataSchema.safeParse(parseYaml(bytes.toString('utf8')));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'not as expected'}`);
  }
  const names = Object.keys(parsed.data.templates ?? {});
  if (names.length > 64) throw invalid('more than 64 templates');
  for (const [target, { template }] of Object.entries(parsed.data.templates ?? {})) {
    if (!/^\/[^\x00-\x1f\x7f]+$/.test(target) || target.split('/').some((part) => part === '..' || part === '.')) {
      throw invalid(`the template target ${JSON.stringify(target).slice(0, 200)} is not an absolute, plain path`);
    }
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/.test(template)) {
      throw invalid(`the template name ${JSON.stringify(template).slice(0, 200)} is not a bare file name`);
    }
  }
  return parsed.data;
}

function parseYaml(text: string): unknown {
  requireShallow(text);
  try {
    const document = parseDocument(text, { uniqueKeys: true, merge: false, prettyErrors: false, logLevel: 'silent' });
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw invalid((cause as Error).message.split('\n')[0] ?? 'not YAML', cause);
  }
}

/** Deep nesting costs a parser its stack; every level of it takes an indent or a bracket, so that both can be counted beforehand. */
function requireShallow(text: string): void {
  let brackets = 0;
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    for (const character of line) {
      if (character === '[' || character === '{') brackets++;
      if ((character === ']' || character === '}') && brackets > 0) brackets--;
    }
    const dashes = /^(?:[-?:] *){1,}/.exec(line.trimStart())?.[0].length ?? 0;
    if (brackets > maxNesting || indent + dashes > 4 * maxNesting) throw invalid('it is nested too deeply');
  }
}

function invalid(why: string, cause?: unknown): DomainError {
  return new DomainError(
    'invalid',
    `metadata.yaml of the image is not right: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
