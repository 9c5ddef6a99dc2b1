import type { Option } from './option.ts';

const MASK = '[masked]';

/** The text as it may be shown: a secret URL loses its passwords, any other secret disappears, the rest stays. */
export function maskSecret(option: Pick<Option, 'secret' | 'type'>, text: string): string {
  if (option.secret !== true) return text;
  return option.type === 'url' ? maskUrlPassword(text) : MASK;
}

/** A URL without its password, in the authority as in the query; what is no URL is masked whole. */
export function maskUrlPassword(text: string): string {
  if (!URL.canParse(text)) return MASK;
  const url = new URL(text);
  // A scheme without an authority keeps everything after the colon in its path: nothing there can be told from a secret.
  if (url.host === '' && !text.startsWith(`${url.protocol}//`)) return MASK;
  if (url.password !== '') url.password = '***';
  for (const name of [...url.searchParams.keys()]) {
    if (/pass|secret|key/i.test(name)) url.searchParams.set(name, '***');
  }
  return url.toString();
}
