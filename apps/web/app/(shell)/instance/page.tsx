import { Suspense } from 'react';
import { InstancePage } from '../../../features/instance/instance-page.tsx';

export default function Page() {
  return (
    <Suspense>
      <InstancePage />
    </Suspense>
  );
}
