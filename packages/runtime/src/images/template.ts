import { DomainError } from '@stapes/contract/errors';

/** What a template of an image may speak of. */
export interface TemplateVariables {
  /** For example `name`, `type`, `architecture`, `privileged`, `ephemeral`. */
  instance: Record<string, string>;
  /** Effective configuration, for `config_get` and `config.KEY`. */
  config: Record<string, string>;
  /** Properties of this template in metadata.yaml. */
  properties: Record<string, string>;
  /** File that is made. */
  path: string;
  trigger: 'create' | 'copy' | 'start' | 'rename';
}

/**
 * Renders by fixed substitutions: no files, no loops, no includes; what is put in is never looked at again. Known are `{{ instance.X }}`
 * (or `container.X`), `{{ config.KEY }}`, `{{ config_get("KEY", "DEFAULT") }}`, `{{ properties.X }}`, `{{ path }}` and `{{ trigger }}`, and
 * `{# comments #}`. Anything else is refused (`unsupported`), rather than written out half.
 */
export function renderTemplate(text: string, variables: TemplateVariables): string {
  return text.replace(/\{\{([^{}]*)\}\}|\{#[\s\S]*?#\}|\{%/g, (whole, expression: string | undefined) => {
    if (whole.startsWith('{#')) return '';
    if (expression === undefined)
      throw new DomainError(
        'unsupported',
        'The template has a statement ({% ... %}); only substitutions ({{ ... }}) are supported',
      );
    return evaluate(expression.trim(), variables);
  });
}

const call = /^config_get\(\s*("[^"\\]*"|'[^'\\]*')\s*,\s*("[^"\\]*"|'[^'\\]*')\s*\)$/;
const property = /^(instance|container|config|properties)\.([A-Za-z0-9_.-]+)$/;

function evaluate(written: string, variables: TemplateVariables): string {
  // There is nothing to escape here, so that `|safe` says what is the case.
  const expression = written.replace(/\s*\|\s*safe$/, '');
  if (expression === 'path') return variables.path;
  if (expression === 'trigger') return variables.trigger;
  const get = call.exec(expression);
  if (get?.[1] && get[2]) return own(variables.config, get[1].slice(1, -1)) ?? get[2].slice(1, -1);
  const named = property.exec(expression);
  if (!named?.[1] || !named[2])
    throw new DomainError(
      'unsupported',
      `The template asks for "${expression.slice(0, 200)}", which is not a known substitution`,
    );
  const table = named[1] === 'container' ? 'instance' : (named[1] as 'instance' | 'config' | 'properties');
  return own(variables[table], named[2]) ?? '';
}

function own(table: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
