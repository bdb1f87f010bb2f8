'use client';

import { Search, X } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { Input } from '../../ui/input.tsx';
import { isTyping } from '../shell/shortcuts.ts';
import { parseSearch, searchFields, unknownFields } from './search.ts';

interface SearchFieldProps {
  value: string;
  onChange(value: string): void;
  /** Arrow down or Enter: on into the list. */
  onLeave(): void;
}

/** Types at once, and tells the list a moment later. `/` brings the focus here. */
export function SearchField({ value, onChange, onLeave }: SearchFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  const hintId = useId();
  if (value !== told) {
    // The address changed by other means (back, a link).
    setTold(value);
    setText(value);
  }
  useEffect(() => {
    if (text === told) return;
    const timer = setTimeout(() => {
      setTold(text);
      onChange(text);
    }, 90);
    return () => clearTimeout(timer);
  }, [onChange, text, told]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        event.key !== '/' ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector('[role=dialog]')
      )
        return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const unknown = unknownFields(parseSearch(text));
  return (
    <div className="relative min-w-0 flex-1 basis-52 sm:max-w-96">
      <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-ink-3" />
      <Input
        ref={input}
        type="search"
        role="searchbox"
        aria-label="Search instances"
        aria-describedby={hintId}
        placeholder="Search, e.g. status:running -name:test"
        className="px-8! [&::-webkit-search-cancel-button]:hidden"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            if (text) setText('');
            else event.currentTarget.blur();
          } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
            event.preventDefault();
            onLeave();
          }
        }}
      />
      {text ? (
        <button
          type="button"
          aria-label="Clear the search"
          className="absolute top-1 right-1 grid size-6 place-items-center rounded text-ink-3 hover:text-ink"
          onClick={() => setText('')}
        >
          <X className="size-4" aria-hidden />
        </button>
      ) : (
        <kbd
          aria-hidden
          className="pointer-events-none absolute top-1.5 right-2 rounded border border-line bg-sunken px-1.5 font-sans text-2xs leading-4.5 text-ink-3"
        >
          /
        </kbd>
      )}
      <p
        id={hintId}
        role="status"
        className={
          unknown.length > 0
            ? 'absolute top-full left-0 z-20 mt-1 rounded-md border border-line bg-raised px-2 py-1 text-xs text-warn shadow-pop'
            : 'sr-only'
        }
      >
        {unknown.length > 0
          ? `There is no field "${unknown[0]}". Fields: ${searchFields.join(', ')}, or any configuration key.`
          : 'Words and field:value, a minus sign negates, a comma means or.'}
      </p>
    </div>
  );
}
