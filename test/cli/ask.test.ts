import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirmByTyping } from '../../src/cli/ask.ts';
import type { Input } from '../../src/cli/command.ts';

const asked = { word: 'panic', question: 'All of it?' };

function terminal(typed: string | null, { isTTY = true, yes = false } = {}) {
  const input = new PassThrough();
  if (typed !== null) input.end(typed);
  const told: string[] = [];
  return {
    told,
    input: () => Object.assign(input, { isTTY }) as Input,
    flag: (name: string) => name === 'yes' && yes,
    output: { out: () => undefined, err: (text: string) => void told.push(text), terminal: isTTY },
  };
}

describe('a question to the person at the terminal', () => {
  it('is answered by typing the word, and says before what would happen', async () => {
    const place = terminal('panic\nmore\n');
    await confirmByTyping(place, asked);
    expect(place.told).toEqual(['All of it?\nType panic to go on:']);
  });

  it.each(['yes\n', '\n', '', 'panic now\n'])('is not answered by %j: nothing is done', async (typed) => {
    await expect(confirmByTyping(terminal(typed), asked)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('is not asked with --yes, nor where there is no terminal: that has to say --yes', async () => {
    const confirmed = terminal(null, { isTTY: false, yes: true });
    await confirmByTyping(confirmed, asked);
    expect(confirmed.told).toEqual([]);
    await expect(confirmByTyping(terminal('panic\n', { isTTY: false }), asked)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('--yes') as string,
    });
  });
});
