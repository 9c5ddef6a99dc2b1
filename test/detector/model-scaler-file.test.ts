import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/detector/model-files.ts';
import { EVIDENCE_COUNT } from '../../src/features/evidence.ts';
import { edited, editedFile, files, filesWith, metadata, refusal, type Tampering } from './tampered-model.ts';

describe('the scaler file of a model', () => {
  it.each<Tampering>([
    ['other evidence columns', 'evidenceColumns.length', EVIDENCE_COUNT - 1, 'scaler.evidenceColumns'],
    ['a scale of 0', 'groups.external.short.scale.3', 0, 'scaler.external.short.scale[3]'],
    ['a missing centre', 'groups.internal.long.centre.length', 24, 'scaler.internal.long.centre'],
    ['a clip that is none', 'groups.internal.short.clip', 0, 'scaler.internal.short.clip'],
    [
      'quantiles out of order',
      'groups.internal.long.calibration.quantileScores.1',
      0.9,
      'scaler.internal.long.calibration.quantileScores[2]: not ascending',
    ],
    [
      'a tail that starts elsewhere',
      'groups.external.short.calibration.tailStartScore',
      0.5,
      'scaler.external.short.calibration.quantileScores: does not end where the tail starts',
    ],
    [
      'a tail no training fits',
      'groups.external.short.calibration.tailShape',
      7,
      'scaler.external.short.calibration.tailShape',
    ],
    ['no short scale', 'groups.external.short', undefined, 'scaler.external.short'],
    ['a long scale left out', 'groups.external.long', undefined, 'scaler.external.long'],
    ['a long weight above 1', 'groups.internal.longWeight', 1.01, 'scaler.internal.longWeight'],
    ['a negative long weight', 'groups.internal.longWeight', -0.1, 'scaler.internal.longWeight'],
    [
      'a long weight without a long scale',
      'groups.external.longWeight',
      0.1,
      'scaler.external.longWeight: 0.1, expected 0',
    ],
    [
      'a curve of one point',
      'groups.external.curve',
      { evidence: [1], logOdds: [1] },
      'scaler.external.curve.evidence: expected at least two',
    ],
    [
      'a curve that falls',
      'groups.internal.curve.logOdds.2',
      -7,
      'scaler.internal.curve.logOdds[2]: not ascending',
    ],
    [
      'evidence out of order',
      'groups.internal.curve.evidence.0',
      1,
      'scaler.internal.curve.evidence[1]: not ascending',
    ],
    [
      'a curve of unequal lengths',
      'groups.internal.curve.logOdds.length',
      2,
      'scaler.internal.curve.logOdds: expected 3 numbers, found 2',
    ],
    ['a number that is none', 'groups.internal.curve.evidence.1', null, 'scaler.internal.curve.evidence[1]'],
    [
      'a negative count of verdicts',
      'groups.internal.verdicts.benign',
      -1,
      'scaler.internal.verdicts.benign',
    ],
    [
      'more attacks than were reviewed',
      'groups.internal.reliability.1.attacks',
      5,
      'scaler.internal.reliability[1].attacks: 5 of 4 reviewed',
    ],
    [
      'a gap between reliability bands',
      'groups.internal.reliability.1.from',
      60,
      'scaler.internal.reliability[1].from: expected 50',
    ],
    [
      'an empty reliability band',
      'groups.internal.reliability.2.to',
      95,
      'scaler.internal.reliability[2].to: expected more than 95',
    ],
    [
      'a reliability table that ends early',
      'groups.internal.reliability.length',
      2,
      'scaler.internal.reliability: ends at risk 95',
    ],
    [
      'a high tier from a risk there is not',
      'groups.internal.leastHighRisk',
      100.5,
      'scaler.internal.leastHighRisk',
    ],
    ['no entities', 'groups.external.short.entityCount', 0, 'scaler.external.short.entityCount'],
    ['a group missing', 'groups.internal', undefined, 'internal: not in all of the files'],
  ])('is refused with %s', (_name, path, replacement, words) => {
    expect(refusal({ scaler: editedFile(files.scaler, path, replacement) })).toContain(words);
  });

  it('may keep the high tier closed', () => {
    const leastHighRisk = 101;
    const closed = filesWith('internal', { leastHighRisk });
    const told = edited(metadata, 'groups.internal.leastHighRisk', leastHighRisk);
    expect(decodeModel(closed, told).groups.internal?.leastHighRisk).toBe(101);
  });
});
