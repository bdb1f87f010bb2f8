import type { Metadata } from 'next';
import { SetupPage } from '../../features/auth/setup-page.tsx';

export const metadata: Metadata = { title: 'Set up' };
export default SetupPage;
