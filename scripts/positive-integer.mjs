/** The whole number, 1 or more, that option `name` was given as `text`. Throws with what was found. */
export function positiveInteger(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number from 1 up, got ${text}`);
  return value;
}
