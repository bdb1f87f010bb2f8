import type { InstanceStatus } from '@stapes/contract/instance';
import { Badge, type Tone } from '../../ui/badge.tsx';

const tones: Record<InstanceStatus, Tone> = {
  Running: 'ok',
  Stopped: 'neutral',
  Frozen: 'frost',
  Starting: 'accent',
  Stopping: 'accent',
  Error: 'bad',
};

export function InstanceStatusBadge({ status }: { status: InstanceStatus }) {
  return <Badge tone={tones[status]}>{status}</Badge>;
}
