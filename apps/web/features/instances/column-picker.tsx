'use client';

import { lazy } from 'react';
import { LazyMenu } from '../../ui/lazy-menu.tsx';
import { ColumnButton } from './column-button.tsx';

const load = () => import('./column-menu.tsx').then((module) => ({ default: module.ColumnMenu }));
const ColumnMenu = lazy(load);

export function ColumnPicker() {
  return <LazyMenu trigger={<ColumnButton />} content={ColumnMenu} preload={() => void load()} />;
}
