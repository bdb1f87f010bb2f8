'use client';

import { PageHeader } from '../../ui/page-header.tsx';

export function InstancesPage() {
  return <PageHeader title="Instances" />;
}
