import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliSite, openCliSite } from './cli-site.ts';
import { FLOW_HEADER, writeLoginsCsv } from './logins-csv.ts';

let site: CliSite;

beforeAll(async () => {
  site = await openCliSite();
  await site.run(['detect', '--dry-run']);
});
beforeEach(async () => {
  await site.pool.query('TRUNCATE network_logs');
});
afterAll(() => site.close());

async function storedRows(): Promise<number> {
  const { rows } = await site.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM network_logs');
  return rows[0]!.n;
}

function write(name: string, lines: readonly string[]): string {
  const path = join(site.dir, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

describe('autoblock import', () => {
  it('imports plain and gzipped files and tells rows and period of each', async () => {
    const plain = writeLoginsCsv(site.dir, { name: 'plain.csv', tries: { '203.0.113.7': 12 } });
    const packed = join(site.dir, 'packed.csv.gz');
    writeFileSync(packed, gzipSync(readFileSync(plain)));
    const { code, stdout } = await site.run(['import', plain, packed]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/plain\.csv: 12 rows, \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ to /);
    expect(stdout).toMatch(/packed\.csv\.gz: 12 rows, /);
    expect(stdout).toContain('24 rows imported, 0 bad lines left out');
    expect(await storedRows()).toBe(24);
  });

  it('leaves bad lines out, names them with their numbers and what is wrong, and exits 1', async () => {
    const file = write('mixed.csv', [
      FLOW_HEADER,
      '2026-01-31T10:00:00Z,203.0.113.7,1024,192.0.2.10,22,tcp,accept,100,1',
      'yesterday,203.0.113.7,1024,192.0.2.10,22,tcp,accept,100,1',
      '2026-01-31T10:00:01Z,203.0.113.7,1024,192.0.2.10,70000,tcp,accept,100,1',
      '2026-01-31T10:00:02Z,2001:db8::7,1024,2001:db8::10,22,tcp,accept,100,1',
      '2026-01-31T10:00:03Z,203.0.113.7',
    ]);
    const { code, stdout } = await site.run(['import', file]);
    expect(code).toBe(1);
    expect(stdout).toContain('2 rows imported, 3 bad lines left out');
    expect(stdout).toMatch(/mixed\.csv:3: .*yesterday/);
    expect(stdout).toMatch(/mixed\.csv:4: .*70000/);
    expect(stdout).toMatch(/mixed\.csv:6: /);
    expect(await storedRows()).toBe(2);
  });

  it('moves a file so that its newest record is now, and keeps the distances', async () => {
    const file = write('old.csv', [
      FLOW_HEADER,
      '2019-01-31T10:00:00Z,203.0.113.7,1024,192.0.2.10,22,tcp,accept,100,1',
      '2019-01-31T10:00:30Z,203.0.113.7,1024,192.0.2.10,22,tcp,accept,100,1',
    ]);
    const beforeMs = Date.now();
    expect(await site.json(['import', file, '--shift-to', 'now', '--router-id', 'edge'])).toMatchObject({
      rows: 2,
      badLineCount: 0,
    });
    const { rows } = await site.pool.query<{ timestamp: Date; router_id: string }>(
      'SELECT timestamp, router_id FROM network_logs ORDER BY timestamp DESC',
    );
    expect(rows[0]!.timestamp.getTime()).toBeGreaterThanOrEqual(beforeMs - 1);
    expect(rows[0]!.timestamp.getTime()).toBeLessThanOrEqual(Date.now());
    expect(rows[0]!.timestamp.getTime() - rows[1]!.timestamp.getTime()).toBe(30_000);
    expect(rows[0]!.router_id).toBe('edge');
  });

  it('refuses a missing file and one with other columns, imports nothing of it, and exits 2', async () => {
    const other = write('other.csv', ['when,who', '1,2']);
    for (const [file, words] of [
      [join(site.dir, 'absent.csv'), /absent\.csv/],
      [other, /lacks the columns timestamp/],
    ] as const) {
      const { code, stdout, stderr } = await site.run(['import', file]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('autoblock: INPUT_FILE: ');
      expect(stderr).toMatch(words);
    }
    expect(await storedRows()).toBe(0);
  });

  it('moves to no other time than now', async () => {
    const { code, stderr } = await site.run(['import', 'any.csv', '--shift-to', 'tomorrow']);
    expect(code).toBe(2);
    expect(stderr).toContain('got "tomorrow", wanted now');
  });
});
