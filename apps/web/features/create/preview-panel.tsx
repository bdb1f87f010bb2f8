'use client';

import type { CreateInstance, Instance } from '@stapes/contract/instance';
import { useState } from 'react';
import { stringify } from 'yaml';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Spinner } from '../../ui/spinner.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { apiCall, shellLine } from './create-values.ts';

interface PreviewPanelProps {
  preview: { instance: Instance; command: string[]; request: CreateInstance } | undefined;
  pending: boolean;
  error: string | null;
}

/** What the instance would be, and how to ask for the same without this form. */
export function PreviewPanel({ preview, pending, error }: PreviewPanelProps) {
  const [tab, setTab] = useState('effective');
  const body = (label: string, text: string | undefined) =>
    text === undefined ? (
      <p className="text-sm text-ink-3">{error ? 'Mend the form to see it.' : 'Asking the server…'}</p>
    ) : (
      <CodeBlock label={label} text={text} />
    );
  const effective =
    preview &&
    stringify({
      name: preview.instance.name,
      profiles: preview.instance.profiles,
      config: preview.instance.expanded_config,
      devices: preview.instance.expanded_devices,
    });
  return (
    <section aria-label="Preview" className="min-w-0">
      <p className="mb-1 flex items-center gap-2 text-sm font-semibold">
        Preview
        {pending && <Spinner className="size-3! text-ink-3" />}
      </p>
      <Tabs
        label="Preview"
        value={tab}
        onChange={setTab}
        tabs={[
          { value: 'effective', label: 'Effective', content: body('Effective configuration', effective) },
          { value: 'cli', label: 'CLI', content: body('Command line', preview && shellLine(preview.command)) },
          { value: 'api', label: 'API', content: body('API call', preview && apiCall(preview.request)) },
        ]}
      />
    </section>
  );
}
