'use client';

import { CircleUser } from 'lucide-react';
import { IconButton, type ButtonProps } from '../../ui/button.tsx';

export function UserButton(props: Omit<ButtonProps, 'aria-label'>) {
  return (
    <IconButton {...props} label="Account">
      <CircleUser />
    </IconButton>
  );
}
