import { describe, expect, it } from 'vitest';
import { editedFile, files, refusal, type Tampering } from './tampered-model.ts';

describe('the feature selector file of a model', () => {
  it.each<Tampering>([
    [
      'a feature number out of range',
      'groups.internal.short.selected.3',
      25,
      'feature_selector.internal.short.selected',
    ],
    [
      'a feature twice',
      'groups.internal.short.selected.1',
      0,
      'feature_selector.internal.short.selected: expected ascending',
    ],
    [
      'one feature less than the forest has',
      'groups.internal.short.selected.length',
      3,
      'internal.short: forest of 4 features, 3 selected',
    ],
    [
      'all features called a choice',
      'groups.internal.long.selection',
      { kind: 'chi-square', selectedAuc: 0.9, allAuc: 0.8, reason: 'x' },
      'feature_selector.internal.long.selection.kind: chi-square with 25 features',
    ],
    [
      'a choice called all features',
      'groups.internal.short.selection.kind',
      'all',
      'feature_selector.internal.short.selection.kind: all with 4 features',
    ],
    [
      'an unknown kind of selection',
      'groups.internal.short.selection.kind',
      'none',
      'feature_selector.internal.short.selection.kind: expected chi-square or all',
    ],
    [
      'a choice that beat nothing',
      'groups.internal.short.selection.selectedAuc',
      0.875,
      'feature_selector.internal.short.selection.selectedAuc',
    ],
    [
      'one area under the curve of two',
      'groups.internal.long.selection.allAuc',
      null,
      'feature_selector.internal.long.selection.selectedAuc',
    ],
    [
      'an area above 1',
      'groups.internal.long.selection.allAuc',
      1.1,
      'feature_selector.internal.long.selection.allAuc',
    ],
    ['no reason', 'groups.external.short.selection.reason', undefined, 'external.short.selection.reason'],
    [
      'a chi-square missing',
      'groups.external.short.chiSquare.length',
      24,
      'feature_selector.external.short.chiSquare',
    ],
    ['a long scale missing', 'groups.internal.long', null, 'internal.long: not in all of the files'],
  ])('is refused with %s', (_name, path, replacement, words) => {
    expect(refusal({ feature_selector: editedFile(files.feature_selector, path, replacement) })).toContain(
      words,
    );
  });
});
