import { Suspense } from 'react';
import { ImagesPage } from '../../../features/images/images-page.tsx';

export default function Page() {
  return (
    <Suspense>
      <ImagesPage />
    </Suspense>
  );
}
