import { describe, expect, it } from 'vitest';
import { queryOf } from '../../src/simulator/print-query.ts';

const row = { type: 'ether', mtu: '1500', comment: 'a=b' };

describe('query words', () => {
  it.each([
    [[], true],
    [['type=ether'], true],
    [['=type=ether'], true],
    [['type=vlan'], false],
    [['comment=a=b'], true],
    [['comment'], true],
    [['-comment'], false],
    [['-disabled'], true],
    [['disabled=no'], false],
    [['>mtu=900'], true],
    [['<mtu=900'], false],
    [['<type=f'], true],
    [['type=ether', 'mtu=9000'], false],
    [['type=ether', 'type=vlan', '#|'], true],
    [['type=vlan', '#!'], true],
    [['type=ether', 'mtu=9000', '#|!'], false],
    // a and (b or c), in one operation word.
    [['type=vlan', 'mtu=1500', 'comment=x', '#|&'], false],
    [['type=vlan', 'mtu=1500', '#0'], true],
    [['type=vlan', 'mtu=1500', '#1'], false],
    [['type=ether', '#.&'], true],
  ])('%j is %s', (queries, passes) => {
    expect(queryOf(queries)(row)).toBe(passes);
  });

  it.each(['#&', '#7', '#x', '#|'])('%s after one value is refused', (operation) => {
    expect(() => queryOf(['type=ether', operation])(row)).toThrow('invalid query');
  });
});
