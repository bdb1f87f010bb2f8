'use client';

import { PageHeader } from '../../ui/page-header.tsx';

export function OperationsPage() {
  return <PageHeader title="Operations" />;
}
