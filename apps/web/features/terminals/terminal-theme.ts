import type { ITheme } from '@xterm/xterm';

/** Dark in both themes of the page: programs choose their colours for a dark ground. All pass 4.5:1 on it. */
export const terminalTheme: ITheme = {
  background: '#0b0e14',
  foreground: '#d5dae3',
  cursor: '#7cc4ff',
  cursorAccent: '#0b0e14',
  selectionBackground: '#2b4a6f',
  black: '#5b6578',
  red: '#ff7b7b',
  green: '#7fd88f',
  yellow: '#f0c674',
  blue: '#7cb7ff',
  magenta: '#d6a2ff',
  cyan: '#6fd7d7',
  white: '#c7cdd9',
  brightBlack: '#8591a5',
  brightRed: '#ff9d9d',
  brightGreen: '#a4ecb0',
  brightYellow: '#ffdf9b',
  brightBlue: '#a6cfff',
  brightMagenta: '#e6c5ff',
  brightCyan: '#9becec',
  brightWhite: '#f4f6fa',
};
