'use client';

import { useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { Input } from './input.tsx';

interface ConfirmProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  children?: ReactNode;
  /** The verb on the button: `Delete 3 instances`. */
  action: string;
  danger?: boolean;
  pending?: boolean;
  error?: string | null | undefined;
  /** Text to be typed before the button works, for what cannot be undone on a large scale. */
  typed?: string;
  onConfirm(): void;
}

export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  children,
  action,
  danger,
  pending,
  error,
  typed,
  onConfirm,
}: ConfirmProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} size="md">
      <ConfirmBody
        key={String(open)}
        action={action}
        danger={danger ?? false}
        pending={pending ?? false}
        error={error}
        typed={typed}
        onConfirm={onConfirm}
        onCancel={() => onOpenChange(false)}
      >
        {children}
      </ConfirmBody>
    </Dialog>
  );
}

interface BodyProps {
  children: ReactNode;
  action: string;
  danger: boolean;
  pending: boolean;
  error: string | null | undefined;
  typed: string | undefined;
  onConfirm(): void;
  onCancel(): void;
}

function ConfirmBody({ children, action, danger, pending, error, typed, onConfirm, onCancel }: BodyProps) {
  const [text, setText] = useState('');
  const reason = typed !== undefined && text !== typed ? `Type "${typed}" first` : null;
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!reason && !pending) onConfirm();
      }}
    >
      <div className="text-base text-ink-2">{children}</div>
      {typed !== undefined && (
        <Field
          label={
            <>
              Type <code className="rounded bg-sunken px-1 font-mono">{typed}</code> to go on
            </>
          }
        >
          {(control) => <Input {...control} value={text} onChange={(event) => setText(event.target.value)} />}
        </Field>
      )}
      {error && (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
          {error}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant={danger ? 'danger' : 'primary'} pending={pending} reason={reason}>
          {action}
        </Button>
      </div>
    </form>
  );
}
