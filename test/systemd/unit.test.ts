import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const UNIT = readFileSync(join(ROOT, 'systemd', 'autoblock.service'), 'utf8');
const ANALYZE = '/usr/bin/systemd-analyze';
if (!existsSync(ANALYZE)) process.stderr.write(`skipped: ${ANALYZE} is needed to verify the unit\n`);

function values(name: string): string[] {
  return [...UNIT.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1]!);
}

describe('the systemd unit', () => {
  it.skipIf(!existsSync(ANALYZE))('has nothing systemd-analyze finds wrong', () => {
    const directory = mkdtempSync(join(tmpdir(), 'autoblock-unit-'));
    try {
      const path = join(directory, 'autoblock.service');
      // As install.sh writes it, for the node and the checkout that are here.
      const here = UNIT.replaceAll('/usr/bin/node ', `${process.execPath} `).replaceAll(
        '/opt/autoblock/',
        `${ROOT}/`,
      );
      writeFileSync(path, here);
      const { status, stdout, stderr } = spawnSync(ANALYZE, ['verify', '--man=no', path], {
        encoding: 'utf8',
      });
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('autoblock'));
      expect({ status, complaints }).toEqual({ status: 0, complaints: [] });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('runs programs of the checkout that exist', () => {
    const scripts = [...UNIT.matchAll(/\/opt\/autoblock\/(\S+\.mjs)/g)].map((match) => match[1]!);
    expect(scripts).toHaveLength(2);
    for (const script of scripts) expect(existsSync(join(ROOT, script))).toBe(true);
  });

  it('accepts messages of the child that notifies, and does not restart after a configuration error', () => {
    expect(values('Type')).toEqual(['notify']);
    expect(values('NotifyAccess')).toEqual(['all']);
    expect(values('RestartPreventExitStatus')).toEqual(['2']);
  });

  it('leaves V8 its executable memory and the program its own addresses', () => {
    expect(values('MemoryDenyWriteExecute')).toEqual([]);
    expect(values('RestrictAddressFamilies')[0]?.split(' ')).toContain('AF_NETLINK');
  });
});
