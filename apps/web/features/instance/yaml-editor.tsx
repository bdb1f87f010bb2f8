'use client';

import { checkConfig, checkDevices } from '@stapes/contract/config-keys/registry';
import { putInstanceSchema, type InstanceFull, type PutInstance } from '@stapes/contract/instance';
import { useMutation } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useState } from 'react';
import { parseDocument, stringify } from 'yaml';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/cx.ts';
import { Field } from '../../ui/field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { editable } from './configuration-tab.tsx';
import { diffLines } from './line-diff.ts';

interface Parsed {
  request: PutInstance | null;
  problems: string[];
}

/** YAML to a request, with everything that is wrong about it. The server checks the same again. */
function parse(text: string, instance: InstanceFull): Parsed {
  const document = parseDocument(text, { schema: 'core', maxAliasCount: 0 } as Parameters<typeof parseDocument>[1]);
  if (document.errors.length > 0)
    return { request: null, problems: document.errors.map((error) => error.message.split('\n')[0] ?? error.message) };
  const parsed = putInstanceSchema.strict().safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success)
    return {
      request: null,
      problems: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`),
    };
  const problems = [
    ...checkConfig('instance', parsed.data.config ?? {}, { instanceType: instance.type, allowReadOnly: true }).map(
      (one) => `config.${one.key}: ${one.message}`,
    ),
    ...checkDevices(parsed.data.devices ?? {}, instance.type).map(
      (one) => `devices.${one.device}.${one.key}: ${one.message}`,
    ),
  ];
  return { request: parsed.data, problems };
}

/** The whole editable part as YAML; problems while typing, and the difference before it is applied. */
export function YamlEditor({ instance, etag }: { instance: InstanceFull; etag: string }) {
  const trpc = useTRPC();
  const original = useMemo(() => stringify(editable(instance), { lineWidth: 0 }), [instance]);
  // With the state it was begun from: a text is whole, so it must never be put over a change that its writer has not seen.
  const [draft, setDraft] = useState<{ text: string; etag: string } | null>(null);
  const text = draft?.text ?? original;
  const isOld = draft !== null && draft.etag !== etag;
  const deferred = useDeferredValue(text);
  const { request, problems } = useMemo(() => parse(deferred, instance), [deferred, instance]);
  const diff = useMemo(() => diffLines(original, deferred), [original, deferred]);
  const save = useMutation(trpc.instances.put.mutationOptions({ onSuccess: () => setDraft(null) }));
  const failure = save.isError ? failureOf(save.error).message : null;
  const isChanged = text !== original;
  const reason = !isChanged
    ? 'Nothing changed'
    : isOld
      ? 'It has changed meanwhile'
      : problems.length > 0
        ? 'Mend the problems first'
        : null;
  return (
    <form
      className="grid grid-cols-1 gap-4 xl:grid-cols-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (request && !reason) save.mutate({ name: instance.name, request, etag: draft?.etag ?? etag });
      }}
    >
      <Field
        label="Configuration as YAML"
        error={failure ?? (problems.length > 0 ? problems.slice(0, 8).join('\n') : null)}
      >
        {(control) => (
          <Textarea
            {...control}
            rows={24}
            wrap="off"
            value={text}
            onChange={(event) => setDraft({ text: event.target.value, etag: draft?.etag ?? etag })}
          />
        )}
      </Field>
      <div className="grid content-start gap-1">
        <h3 className="text-sm font-medium">Difference</h3>
        {isChanged ? (
          <pre
            tabIndex={0}
            aria-label="Difference"
            className="max-h-[32rem] overflow-auto rounded-md border border-line bg-surface py-2 font-mono text-xs leading-5"
          >
            {diff.map((line, index) => (
              <div
                key={index}
                className={cx(
                  'px-3 whitespace-pre',
                  line.kind === 'added' && 'bg-ok-soft text-ok',
                  line.kind === 'removed' && 'bg-bad-soft text-bad',
                  line.kind === 'same' && 'text-ink-2',
                )}
              >
                {line.kind === 'added' ? '+ ' : line.kind === 'removed' ? '- ' : '  '}
                {line.text}
              </div>
            ))}
          </pre>
        ) : (
          <p className="rounded-md border border-dashed border-line px-3 py-6 text-center text-sm text-ink-2">
            What you change on the left is shown here before it is applied.
          </p>
        )}
        {isChanged && isOld && (
          <div
            role="status"
            className="mt-2 flex items-center gap-3 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn"
          >
            <p className="flex-1">The instance has changed meanwhile. The difference is to what it is now.</p>
            <Button size="sm" onClick={() => setDraft({ text, etag })}>
              Keep my text
            </Button>
          </div>
        )}
        <div className="mt-3 flex justify-end gap-2">
          <Button onClick={() => setDraft(null)} reason={isChanged ? null : 'Nothing changed'}>
            Discard
          </Button>
          <Button type="submit" variant="primary" pending={save.isPending} reason={reason}>
            Apply changes
          </Button>
        </div>
      </div>
    </form>
  );
}
