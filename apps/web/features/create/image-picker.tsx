'use client';

import type { ImageChoice } from './create-values.ts';
import { Badge } from '../../ui/badge.tsx';
import { cx } from '../../ui/cx.ts';
import { Skeleton } from '../../ui/states.tsx';

const before = {
  nothing: null,
  prepared: <Badge tone="accent">Ready in seconds</Badge>,
  build: <Badge tone="warn">Built first</Badge>,
};

interface ImagePickerProps {
  choices: readonly ImageChoice[];
  loading: boolean;
  value: string;
  onChange(id: string): void;
  error: string | null;
}

export function ImagePicker({ choices, loading, value, onChange, error }: ImagePickerProps) {
  if (loading) {
    return (
      <div className="grid gap-2 sm:grid-cols-2">
        <Skeleton className="h-16" />
        <Skeleton className="h-16" />
      </div>
    );
  }
  return (
    <div>
      <div
        role="radiogroup"
        aria-label="Image"
        aria-invalid={error ? true : undefined}
        className="grid gap-2 sm:grid-cols-2"
      >
        {choices.map((choice) => (
          <label
            key={choice.id}
            className={cx(
              'flex cursor-pointer items-start gap-2.5 rounded-lg border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent',
              value === choice.id
                ? 'border-accent bg-accent-soft/50'
                : 'border-line bg-surface hover:border-line-strong',
            )}
          >
            <input
              type="radio"
              name="image"
              className="mt-1 accent-(--accent)"
              checked={value === choice.id}
              onChange={() => onChange(choice.id)}
            />
            <span className="min-w-0 flex-1">
              <span className="flex flex-wrap items-center gap-x-2 font-medium">
                {choice.title} {before[choice.before]}
              </span>
              <span className="line-clamp-2 text-xs text-ink-3">{choice.detail}</span>
            </span>
          </label>
        ))}
      </div>
      {choices.length === 0 && (
        <p className="text-sm text-ink-2">There is no image yet. Import one on the images page.</p>
      )}
      {error && (
        <p role="alert" className="mt-1 text-xs text-bad">
          {error}
        </p>
      )}
    </div>
  );
}
