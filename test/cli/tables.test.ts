import { describe, expect, it } from 'vitest';
import { renderTable } from '../../src/cli/tables.ts';

describe('a table for people', () => {
  it('aligns its columns, shows nothing as a dash, keeps each row in its line and ends none with blanks', () => {
    expect(
      renderTable(
        ['NAME', 'COUNT', 'WHY'],
        [
          ['core', 7, 'two\nlines \u001b[31mred'],
          ['a longer name', null, ''],
        ],
      ).split('\n'),
    ).toEqual(['NAME           COUNT  WHY', 'core           7      two lines [31mred', 'a longer name  -']);
  });

  it('counts what a terminal shows: accents that combine, letters of two columns', () => {
    const rows = renderTable(
      ['A', 'B'],
      [
        ['Łódź', 1],
        ['e\u0301', 2],
        ['日本', 3],
      ],
    ).split('\n');
    expect(rows).toEqual(['A     B', 'Łódź  1', 'e\u0301     2', '日本  3']);
  });

  it('is the head alone when there are no rows', () => {
    expect(renderTable(['A', 'BB'], [])).toBe('A  BB');
  });
});
