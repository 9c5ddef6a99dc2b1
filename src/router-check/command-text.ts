/**
 * A value as it is typed at the RouterOS console. In a quoted string `"`, `\`, `$` and `?` are special (manual,
 * "Scripting", "Constant escape sequences"; `?` asks the console for help even between quotes), anything else outside
 * printable ASCII goes as `\HH` bytes.
 */
export function consoleValue(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:/,-]*$/.test(text)) return text;
  return `"${text.replaceAll(/./gsu, consoleCharacter)}"`;
}

function consoleCharacter(character: string): string {
  if ('"\\$?'.includes(character)) return `\\${character}`;
  if (/^[\x20-\x7e]$/.test(character)) return character;
  return utf8Bytes(character.codePointAt(0)!)
    .map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/** RFC 3629, by hand: this folder runs without any platform. */
function utf8Bytes(code: number): number[] {
  const tail = (shift: number): number => 0x80 | ((code >> shift) & 0x3f);
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), tail(0)];
  if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)];
  return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)];
}

/** `/ip/firewall/raw` as both RouterOS 6 and 7 read it at the console: `/ip firewall raw`. */
export function consoleMenu(menu: string): string {
  return `/${menu.slice(1).replaceAll('/', ' ')}`;
}

/** A word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9._:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
