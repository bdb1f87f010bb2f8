'use client';

import { Card } from '../../ui/card.tsx';
import { setTheme, useTheme, type Theme } from '../shell/theme.ts';

const themes: readonly (readonly [Theme, string, string])[] = [
  ['system', 'As the system', 'Follows light and dark of this device'],
  ['light', 'Light', ''],
  ['dark', 'Dark', ''],
];

export function ThemeCard() {
  const theme = useTheme();
  return (
    <Card title="Theme">
      <fieldset className="grid gap-2">
        <legend className="sr-only">Theme</legend>
        {themes.map(([value, label, hint]) => (
          <label key={value} className="flex items-baseline gap-2 text-sm">
            <input
              type="radio"
              name="theme"
              className="translate-y-0.5 accent-(--accent)"
              checked={theme === value}
              onChange={() => setTheme(value)}
            />
            {label}
            {hint && <span className="text-xs text-ink-3">{hint}</span>}
          </label>
        ))}
      </fieldset>
    </Card>
  );
}
