import { describe, expect, it } from 'vitest';
import { renderTemplate, type TemplateVariables } from './template.ts';

const variables: TemplateVariables = {
  instance: { name: 'web1' },
  config: { 'user.x': '{{ path }}' },
  properties: { a: 'b' },
  path: '/etc/hostname',
  trigger: 'create',
};

describe('renderTemplate', () => {
  it('puts in what it knows, once', () => {
    const text =
      '{{ instance.name }} {{container.name}} {{ config_get("user.x", "no") }} {{ config_get(\'user.y\', "none") }} {{ properties.a | safe }}{# gone #} {{ trigger }} {{ path }}';
    expect(renderTemplate(text, variables)).toBe('web1 web1 {{ path }} none b create /etc/hostname');
  });
  it('gives nothing for a name that is not set, nor for what every object has', () => {
    expect(renderTemplate('[{{ instance.constructor }}{{ config.absent }}]', variables)).toBe('[]');
  });
  it.each(['{% include "/etc/shadow" %}', '{% ssi "/etc/shadow" %}', '{{ system("id") }}', '{{ unknown }}'])(
    'refuses %s',
    (text) => {
      expect(() => renderTemplate(text, variables)).toThrow(/not a known|only substitutions/);
    },
  );
});
