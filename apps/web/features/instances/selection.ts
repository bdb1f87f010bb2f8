/** Selected names, and the row from which a range begins. */
export interface Selection {
  names: ReadonlySet<string>;
  anchor: number | null;
}
export const nothingSelected: Selection = { names: new Set(), anchor: null };

/** A click, or Space, on a row of the list as it is shown. */
export function toggled(selection: Selection, order: readonly string[], index: number, range: boolean): Selection {
  const name = order[index];
  if (name === undefined) return selection;
  const names = new Set(selection.names);
  if (range && selection.anchor !== null) {
    const [from, to] = selection.anchor < index ? [selection.anchor, index] : [index, selection.anchor];
    for (const one of order.slice(from, to + 1)) names.add(one);
    return { names, anchor: selection.anchor };
  }
  if (!names.delete(name)) names.add(name);
  return { names, anchor: index };
}

/** All that are shown, or none when they all are already. */
export function allToggled(selection: Selection, order: readonly string[]): Selection {
  return order.every((name) => selection.names.has(name))
    ? nothingSelected
    : { names: new Set([...selection.names, ...order]), anchor: null };
}
