import { describe, expect, it } from 'vitest';
import { contributionsOf, reasonText } from '../../src/cli/reason-text.ts';

describe('reasons on the command line', () => {
  it("say how much of the forest's evidence a feature holds, where the forest is the witness", () => {
    const text = '87 % of the TCP flows unanswered; typical for this network: 2 %';
    expect(reasonText({ text, contribution: 0.314 })).toBe(`${text} (31 % of the forest's evidence)`);
    expect(reasonText({ text })).toBe(text);
  });

  it('give the shares by feature, without reasons that are not of the forest', () => {
    expect(
      contributionsOf([
        { subject: 'login_flows' },
        { subject: 'unanswered_share', contribution: 0.3 },
        { subject: 'flow_count', contribution: 0.2 },
      ]),
    ).toEqual({ unanswered_share: 0.3, flow_count: 0.2 });
  });
});
