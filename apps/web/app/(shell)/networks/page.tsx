import { Suspense } from 'react';
import { NetworksPage } from '../../../features/networks/networks-page.tsx';

export default function Page() {
  return (
    <Suspense>
      <NetworksPage />
    </Suspense>
  );
}
