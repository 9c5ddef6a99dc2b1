const SHOWN = 20;

/** Up to three in one line, more on lines of their own; after twenty only how many there are besides. */
export function firstFew(items: readonly string[], total = items.length): string {
  const shown = items.slice(0, SHOWN);
  if (total <= 3) return shown.join(', ');
  const rest = total - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].map((line) => `\n  ${line}`).join('');
}
