'use client';

import { Columns3 } from 'lucide-react';
import { Button, type ButtonProps } from '../../ui/button.tsx';

export function ColumnButton(props: ButtonProps) {
  return (
    <Button {...props} aria-label="Columns">
      <Columns3 aria-hidden />
      <span className="max-md:hidden">Columns</span>
    </Button>
  );
}
