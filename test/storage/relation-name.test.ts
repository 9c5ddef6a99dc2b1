import { describe, expect, it } from 'vitest';
import { parseRelationName } from '../../src/storage/relation-name.ts';

describe('the name of a relation', () => {
  it.each([
    ['network_logs', '"network_logs"'],
    [' Ids.Flows ', '"ids"."flows"'],
    ['"Ids".flows', '"Ids"."flows"'],
    ['"a.b"."c ""d"""', '"a.b"."c ""d"""'],
    ['journée.données', '"journée"."données"'],
  ])('%s is quoted as %s', (configured, quoted) => {
    expect(parseRelationName(configured).quoted).toBe(quoted);
  });

  it.each([
    '',
    'a.b.c',
    'flows; DROP TABLE x',
    'flows WHERE true',
    '"open',
    'a..b',
    '.a',
    'a.',
    '""',
    "a'b",
    '1a',
  ])('never lets %j near a query', (configured) => {
    expect(() => parseRelationName(configured)).toThrow('LOGS_RELATION');
  });
});
