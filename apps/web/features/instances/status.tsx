import type { InstanceStatus } from '@stapes/contract/instance';
import { cx } from '../../ui/cx.ts';
import { Spinner } from '../../ui/spinner.tsx';

const dots: Record<InstanceStatus, string> = {
  Running: 'bg-ok',
  Stopped: 'border-2 border-line-strong bg-transparent',
  Frozen: 'bg-frost',
  Starting: '',
  Stopping: '',
  Error: 'bg-bad',
};
const texts: Partial<Record<InstanceStatus, string>> = { Running: 'text-ok', Frozen: 'text-frost', Error: 'text-bad' };

export function StatusDot({ status }: { status: InstanceStatus }) {
  if (status === 'Starting' || status === 'Stopping') return <Spinner className="size-2.5! text-accent-text" />;
  return <span aria-hidden className={cx('inline-block size-2 shrink-0 rounded-full', dots[status])} />;
}

/** Form and word tell the status, not the colour alone. */
export function StatusText({ status }: { status: InstanceStatus }) {
  return (
    <span className={cx('inline-flex items-center gap-2 font-medium', texts[status] ?? 'text-ink-2')}>
      <StatusDot status={status} />
      {status}
    </span>
  );
}
