'use client';

import { Menu, MenuCheck, MenuItem, MenuLabel, MenuSeparator } from '../../ui/menu.tsx';
import { ColumnButton } from './column-button.tsx';
import { columns, defaultColumns, type ColumnId } from './columns.ts';
import { useListState } from './use-list-state.ts';

/** Opens at once: it is loaded when its button was used. */
export function ColumnMenu() {
  const { shown, setShown } = useListState();
  const toggle = (id: ColumnId, on: boolean) =>
    setShown(columns.map((column) => column.id).filter((one) => (one === id ? on : shown.includes(one))));
  return (
    <Menu label="Columns" defaultOpen trigger={<ColumnButton />}>
      <MenuLabel>Shown columns</MenuLabel>
      {columns
        .filter((column) => column.id !== 'name')
        .map((column) => (
          <MenuCheck key={column.id} checked={shown.includes(column.id)} onChange={(on) => toggle(column.id, on)}>
            {column.label}
          </MenuCheck>
        ))}
      <MenuSeparator />
      <MenuItem onSelect={() => setShown(defaultColumns)}>Back to the default</MenuItem>
    </Menu>
  );
}
