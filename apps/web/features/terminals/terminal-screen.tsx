'use client';

import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { useEffect, useImperativeHandle, useRef, type Ref } from 'react';
import { TerminalConnection, type ConnectionState } from './terminal-connection.ts';
import { terminalTheme } from './terminal-theme.ts';

export interface ScreenHandle {
  focus(): void;
  find(term: string, direction: 'next' | 'previous'): boolean;
  clearSearch(): void;
  selection(): string;
  paste(text: string): void;
}

interface ScreenProps {
  id: string;
  label: string;
  fontSize: number;
  /** Hidden screens keep their connection but do not fit themselves. */
  visible: boolean;
  screenReader: boolean;
  onState(state: ConnectionState): void;
  onExit(code: number): void;
  onTitle(title: string): void;
  onSearchResults(text: string): void;
  ref?: Ref<ScreenHandle>;
}

const highlight = {
  decorations: {
    matchOverviewRuler: '#f5c451',
    activeMatchColorOverviewRuler: '#ff9f43',
    matchBackground: '#6b5a1e',
    activeMatchBackground: '#a15c00',
  },
};

/** An xterm on one session of the terminal host. Loaded lazily: xterm is a chunk of its own. */
export function TerminalScreen({
  id,
  label,
  fontSize,
  visible,
  screenReader,
  onState,
  onExit,
  onTitle,
  onSearchResults,
  ref,
}: ScreenProps) {
  const element = useRef<HTMLDivElement>(null);
  const parts = useRef<{ terminal: Terminal; fit: FitAddon; search: SearchAddon } | null>(null);
  const events = useRef({ onState, onExit, onTitle, onSearchResults });
  useEffect(() => {
    events.current = { onState, onExit, onTitle, onSearchResults };
  });

  useImperativeHandle(ref, () => ({
    focus: () => parts.current?.terminal.focus(),
    find: (term, direction) =>
      (direction === 'next'
        ? parts.current?.search.findNext(term, highlight)
        : parts.current?.search.findPrevious(term, highlight)) ?? false,
    clearSearch: () => parts.current?.search.clearDecorations(),
    selection: () => parts.current?.terminal.getSelection() ?? '',
    paste: (text) => parts.current?.terminal.paste(text),
  }));

  useEffect(() => {
    const host = element.current;
    if (!host) return;
    const terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
      fontSize,
      macOptionIsMeta: true,
      rightClickSelectsWord: true,
      screenReaderMode: screenReader,
      scrollback: 5_000,
      theme: terminalTheme,
    });
    const fit = new FitAddon();
    const search = new SearchAddon();
    terminal.loadAddon(fit);
    terminal.loadAddon(search);
    terminal.loadAddon(new WebLinksAddon());
    terminal.open(host);
    parts.current = { terminal, fit, search };
    search.onDidChangeResults(({ resultIndex, resultCount }) =>
      events.current.onSearchResults(resultCount === 0 ? 'No match' : `${resultIndex + 1} of ${resultCount}`),
    );
    return connectTerminal({ id, host, terminal, fit, events });
    // A session is one mount: other props are applied below without a new terminal.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id]);

  useEffect(() => {
    const current = parts.current;
    if (!current) return;
    current.terminal.options.fontSize = fontSize;
    current.terminal.options.screenReaderMode = screenReader;
    if (visible) current.fit.fit();
  }, [fontSize, screenReader, visible]);

  return (
    <div ref={element} role="group" aria-label={label} className="h-full w-full overflow-hidden bg-[#0b0e14] p-2" />
  );
}

interface Wiring {
  id: string;
  host: HTMLElement;
  terminal: Terminal;
  fit: FitAddon;
  events: { current: Pick<ScreenProps, 'onState' | 'onExit' | 'onTitle'> };
}

/** Joins a terminal to its session; returns how to part them again. */
function connectTerminal({ id, host, terminal, fit, events }: Wiring): () => void {
  const encoder = new TextEncoder();
  let fromOther = false;
  const connection = new TerminalConnection(id, {
    onScreen: () => terminal.reset(),
    onBytes: (bytes, drawn) => terminal.write(bytes, drawn),
    onState: (state) => {
      host.dataset.state = state;
      events.current.onState(state);
    },
    onExit: (code) => events.current.onExit(code),
    onTitle: (title) => events.current.onTitle(title),
    onSize: ({ cols, rows }) => {
      fromOther = true;
      terminal.resize(cols, rows);
      fromOther = false;
    },
  });
  terminal.onData((data) => connection.send(encoder.encode(data)));
  terminal.onBinary((data) => connection.send(Uint8Array.from(data, (character) => character.charCodeAt(0))));
  terminal.onResize((size) => {
    if (!fromOther) connection.resize(size);
  });
  terminal.attachCustomKeyEventHandler((event) => copyAndPaste(event, terminal));
  fit.fit();
  connection.connect({ cols: terminal.cols, rows: terminal.rows });
  const observer = new ResizeObserver(() => {
    if (host.offsetParent !== null) fit.fit();
  });
  observer.observe(host);
  return () => {
    observer.disconnect();
    connection.close();
    terminal.dispose();
  };
}

/** Ctrl-Shift-C and -V as in desktop terminals; the page's own shortcuts (Ctrl-Shift-F, Ctrl-K) pass through. */
function copyAndPaste(event: KeyboardEvent, terminal: Terminal): boolean {
  if (event.type !== 'keydown' || !event.ctrlKey || event.altKey) return true;
  if (event.shiftKey && event.code === 'KeyC') {
    const text = terminal.getSelection();
    if (text) void navigator.clipboard.writeText(text);
    event.preventDefault();
    return false;
  }
  if (event.shiftKey && event.code === 'KeyV') return false; // the browser pastes into xterm's text area
  return !(event.shiftKey && event.code === 'KeyF');
}
