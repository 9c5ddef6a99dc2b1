import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../src/detector/evidence-row.ts';
import { windowFacts } from '../../src/detector/window-facts.ts';
import { flows, fold } from './traffic.ts';

const factsOf = (records: ReturnType<typeof flows>, boostingLogOdds = -1): string => {
  const table = fold(records);
  return windowFacts({ row: evidenceOf(table, 0), windowMs: table.windowMs, boostingLogOdds }).text;
};

const refused = { packets: 2, bytes: 80 };

describe('the facts of a window without a signature', () => {
  it('are flows, targets, the port asked for most, and what came to nothing', () => {
    const three = flows(3, (index) => ({ ...refused, destinationPort: index === 2 ? 80 : 23 }));
    expect(factsOf(three)).toBe('3 flows in 5 min to 2 targets, most to port 23; 100 % came to nothing');
  });

  it('are said of one flow in the singular', () => {
    expect(factsOf(flows(1, () => ({ ...refused, destinationPort: 445 })))).toBe(
      '1 flow in 5 min to 1 target, port 445; 100 % came to nothing',
    );
  });

  it('say nothing of ports where there are none, and tell a likeness to attacks', () => {
    const ping = flows(2, () => ({ protocol: 'icmp', destinationPort: null, packets: 2, bytes: 168 }));
    expect(factsOf(ping, 0.5)).toBe(
      '2 flows in 5 min to 1 target; 0 % came to nothing; more like the attacks learnt in training than like this network',
    );
  });
});
