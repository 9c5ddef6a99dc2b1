import { expect } from 'vitest';

/** Matches an error with this code whose message holds the text. */
export function refusal(code: string, text = ''): Error {
  return expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as Error;
}
