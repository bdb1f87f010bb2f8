'use client';

import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useState } from 'react';
import { IconButton } from '../../ui/button.tsx';
import { Input } from '../../ui/input.tsx';

/** Find in the scrollback: Enter goes on, Shift-Enter goes back, Escape leaves. */
export function TerminalSearch({
  matches,
  onFind,
  onClose,
}: {
  matches: string;
  onFind(term: string, direction: 'next' | 'previous'): boolean;
  onClose(): void;
}) {
  const [term, setTerm] = useState('');
  return (
    <form
      role="search"
      aria-label="Search in the terminal"
      className="flex items-center gap-1 border-b border-line bg-surface px-2 py-1"
      onSubmit={(event) => {
        event.preventDefault();
        onFind(term, 'next');
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
        if (event.key === 'Enter' && event.shiftKey) {
          event.preventDefault();
          onFind(term, 'previous');
        }
      }}
    >
      <Input
        aria-label="Find"
        className="max-w-64"
        value={term}
        autoFocus
        onChange={(event) => {
          setTerm(event.target.value);
          if (event.target.value) onFind(event.target.value, 'next');
        }}
      />
      <IconButton label="Previous match" size="sm" onClick={() => onFind(term, 'previous')}>
        <ChevronUp aria-hidden />
      </IconButton>
      <IconButton label="Next match" size="sm" type="submit">
        <ChevronDown aria-hidden />
      </IconButton>
      <span role="status" className="text-xs text-ink-2">
        {term === '' ? '' : matches}
      </span>
      <IconButton label="Close search" size="sm" className="ml-auto" onClick={onClose}>
        <X aria-hidden />
      </IconButton>
    </form>
  );
}
