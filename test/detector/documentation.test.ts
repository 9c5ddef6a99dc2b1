import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withDetectorSections } from '../../src/detector/documentation.ts';

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

describe('features, signatures and legacy rules in README.md', () => {
  it('stand there as the code has them now (else: npm run docs)', () => {
    expect(readme).toBe(withDetectorSections(readme));
  });

  it('name all 25 features, every signature and every rule', () => {
    expect(
      readme.match(/^\| `[a-z_]+` \| (flows|bytes|packets|share|seconds|ratio|[^|]*) \|/gm)!.length,
    ).toBeGreaterThanOrEqual(37);
    expect(readme).toContain('| `many_login_connections` |');
    expect(readme).toContain('| `brute_force` |');
    expect(readme).toContain('| `inter_arrival_cv` |');
  });

  it('are refused without their markers', () => {
    expect(() => withDetectorSections('# autoblock')).toThrow(RangeError);
  });
});
