import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskUrlPassword } from '../../src/config/mask-secret.ts';

describe('maskUrlPassword', () => {
  it('keeps everything but the password', () => {
    expect(maskUrlPassword('postgresql://me:pw@db:5432/logs?sslmode=require')).toBe(
      'postgresql://me:***@db:5432/logs?sslmode=require',
    );
    expect(maskUrlPassword('postgresql:///logs?host=%2Frun')).toBe('postgresql:///logs?host=%2Frun');
  });

  it('masks passwords in the query too', () => {
    expect(maskUrlPassword('postgresql:///logs?user=me&password=pw')).toBe(
      'postgresql:///logs?user=me&password=***',
    );
  });

  it('masks whole what is no URL', () => {
    expect(maskUrlPassword('me:pw@db')).toBe('[masked]');
    expect(maskUrlPassword('not a url pw')).toBe('[masked]');
  });

  it('never lets a password through, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{6,20}$/), (password) => {
        const masked = maskUrlPassword(`postgresql://someone:${encodeURIComponent(password)}@db/logs`);
        expect(masked).toBe('postgresql://someone:***@db/logs');
      }),
    );
  });
});
