import { Suspense } from 'react';
import { NetworkPage } from '../../../features/networks/network-page.tsx';

export default function Page() {
  return (
    <Suspense>
      <NetworkPage />
    </Suspense>
  );
}
