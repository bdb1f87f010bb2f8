import type { Metadata } from 'next';
import { InstancesPage } from '../../features/instances/instances-page.tsx';

export const metadata: Metadata = { title: 'Instances' };
export default InstancesPage;
