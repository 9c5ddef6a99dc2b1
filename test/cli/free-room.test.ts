import { describe, expect, it } from 'vitest';
import { roomProblems } from '../../src/cli/blocks/free-room.ts';

const EVERYTHING = { families: [4, 6] as const, origins: ['auto', 'review', 'manual'] };
const block = (address: string, origin: 'auto' | 'manual' = 'auto') => ({ address, origin });
const STANDING = [block('203.0.113.1'), block('203.0.113.2', 'manual'), block('2001:db8::1')];

describe('the room for blocks made by hand', () => {
  it('reaches exactly up to MAX_BLOCKS_TOTAL', () => {
    const question = { active: STANDING, maxBlocksTotal: 5, routers: [] };
    expect(roomProblems({ ...question, asked: ['203.0.113.3', '203.0.113.4'] })).toEqual([]);
    expect(roomProblems({ ...question, asked: ['203.0.113.3', '203.0.113.4', '203.0.113.5'] })).toEqual([
      '3 blocks stand, with 3 more there would be 6: MAX_BLOCKS_TOTAL is 5',
    ]);
  });

  it('is not taken by an address that is blocked already, also over the limit', () => {
    const question = { active: STANDING, maxBlocksTotal: 1, routers: [] };
    expect(roomProblems({ ...question, asked: ['203.0.113.1', '2001:db8::1'] })).toEqual([]);
  });

  it('is what each router has for its own families and origins', () => {
    const routers = [
      { name: 'full', maxEntries: 3, scope: EVERYTHING },
      { name: 'only-v6', maxEntries: 1, scope: { ...EVERYTHING, families: [6] as const } },
      { name: 'only-manual', maxEntries: 2, scope: { ...EVERYTHING, origins: ['manual'] } },
      { name: 'no-manual', maxEntries: 1, scope: { ...EVERYTHING, origins: ['auto'] } },
    ];
    const question = { active: STANDING, maxBlocksTotal: 30_000, routers };
    expect(roomProblems({ ...question, asked: ['203.0.113.3'] })).toEqual([
      'router full would have to hold 4 entries: its maxEntries (ROUTER_MAX_ENTRIES) is 3',
    ]);
    expect(
      roomProblems({ ...question, asked: ['2001:db8::2', '203.0.113.4'] }).map((text) => text.split(' ')[1]),
    ).toEqual(['full', 'only-v6', 'only-manual']);
  });
});
