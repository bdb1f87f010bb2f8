export interface Strength {
  /** 0 (none) to 4. */
  score: number;
  label: string;
  hint: string;
}

export const shortestPassphrase = 10;

/** A rough guide while typing: length counts most, few different characters count against it. The server has the last word. */
export function passphraseStrength(text: string): Strength {
  const length = [...text].length;
  if (length === 0)
    return { score: 0, label: '', hint: `At least ${shortestPassphrase} characters; four random words are good.` };
  const different = new Set(text.toLowerCase()).size;
  if (length < shortestPassphrase) {
    const missing = shortestPassphrase - length;
    return {
      score: 1,
      label: 'Too short',
      hint: `${missing} more ${missing === 1 ? 'character' : 'characters'} at least.`,
    };
  }
  if (different < 6) return { score: 1, label: 'Weak', hint: 'It repeats itself; use more different characters.' };
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(text)).length;
  const points = length + different / 2 + kinds * 2;
  if (points < 24) return { score: 2, label: 'Fair', hint: 'Another word would make it strong.' };
  if (points < 34) return { score: 3, label: 'Good', hint: '' };
  return { score: 4, label: 'Strong', hint: '' };
}
