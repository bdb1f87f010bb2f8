'use client';

import { Columns3 } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { Menu, MenuCheck, MenuItem, MenuLabel, MenuSeparator } from '../../ui/menu.tsx';
import { columns, defaultColumns, type ColumnId } from './columns.ts';

export function ColumnPicker({
  shown,
  onChange,
}: {
  shown: readonly ColumnId[];
  onChange(ids: readonly ColumnId[]): void;
}) {
  const toggle = (id: ColumnId, on: boolean) =>
    onChange(columns.map((column) => column.id).filter((one) => (one === id ? on : shown.includes(one))));
  return (
    <Menu
      label="Columns"
      trigger={
        <Button aria-label="Columns">
          <Columns3 aria-hidden />
          <span className="max-md:hidden">Columns</span>
        </Button>
      }
    >
      <MenuLabel>Shown columns</MenuLabel>
      {columns
        .filter((column) => column.id !== 'name')
        .map((column) => (
          <MenuCheck key={column.id} checked={shown.includes(column.id)} onChange={(on) => toggle(column.id, on)}>
            {column.label}
          </MenuCheck>
        ))}
      <MenuSeparator />
      <MenuItem onSelect={() => onChange(defaultColumns)}>Back to the default</MenuItem>
    </Menu>
  );
}
