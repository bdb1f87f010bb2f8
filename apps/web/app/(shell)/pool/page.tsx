import { Suspense } from 'react';
import { PoolPage } from '../../../features/storage/pool-page.tsx';

export default function Page() {
  return (
    <Suspense>
      <PoolPage />
    </Suspense>
  );
}
