import { Suspense } from 'react';
import { StoragePage } from '../../../features/storage/storage-page.tsx';

export default function Page() {
  return (
    <Suspense>
      <StoragePage />
    </Suspense>
  );
}
