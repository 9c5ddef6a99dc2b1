import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { autoblock, temporaryHome } from '../support/cli.ts';

const SECRETS = {
  DATABASE_URL: 'postgresql://auto:db-secret-1@db.example.net:5432/logs',
  ROUTER_HOST: '192.0.2.1',
  ROUTER_USER: 'autoblock',
  ROUTER_PASSWORD: 'router-secret-2',
};
const home = temporaryHome();
const config = (env: Record<string, string>, ...args: string[]) =>
  autoblock(['config', ...args], { dir: home.dir, env: { ...home.env, ...env } });

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly source: string;
}

beforeEach(() => writeFileSync(join(home.dir, '.env'), ''));
afterAll(() => home.remove());

describe('autoblock config', () => {
  it('shows what is in effect and where it is from, without any secret', async () => {
    const { code, stdout, stderr } = await config(SECRETS);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^SETTING +VALUE +FROM$/m);
    expect(stdout).toMatch(/^ROUTER_USER +autoblock +environment$/m);
    expect(stdout).toMatch(/^HOURS_BACK +1 +default$/m);
    expect(stdout).toMatch(/^DATABASE_URL +postgresql:\/\/auto:\*\*\*@db\.example\.net:5432\/logs /m);
    expect(stdout).toMatch(
      /^192\.0\.2\.1 +192\.0\.2\.1:8729 +autoblock +system CAs +autoblock +IPv4 IPv6, auto review manual +30000$/m,
    );
    expect(stdout + stderr).not.toMatch(/secret-/);
  });

  it('gives the same as JSON, secrets masked there too', async () => {
    const { code, stdout, stderr } = await config(SECRETS, '--json');
    expect(code).toBe(0);
    expect(stdout + stderr).not.toMatch(/secret-/);
    const settings = JSON.parse(stdout) as Setting[];
    expect(settings.find(({ key }) => key === 'ROUTER_PASSWORD')).toMatchObject({ value: '[masked]' });
    expect(settings.length).toBeGreaterThan(25);
  });

  it('names every wrong setting at once, what was found and what is wanted, and exits 2', async () => {
    const { code, stdout, stderr } = await config({
      HOURS_BACK: 'yesterday',
      CONFIDENCE_HIGH: '120',
      DETECT_CRON: 'often',
      ALLOWLIST: '203.0.113.300',
      ROUTER_HOST: '192.0.2.1',
      DATABASE_URL: 'mysql://auto:db-secret-1@db.example.net/logs',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('autoblock: CONFIG_INVALID: ');
    for (const problem of [
      /HOURS_BACK: got "yesterday", wanted .*168/,
      /CONFIDENCE_HIGH: got "120", wanted .*98/,
      /DETECT_CRON: got "often", wanted .*cron/,
      /ALLOWLIST: got ".*203\.0\.113\.300"/,
      /ROUTER_USER: got nothing/,
      /ROUTER_PASSWORD: got nothing/,
      /DATABASE_URL: got "mysql:/,
    ]) {
      expect(stderr).toMatch(problem);
    }
    expect(stderr).not.toContain('db-secret');
  });

  it('refuses wrong settings in every other command before anything is touched', async () => {
    const env = { ...home.env, CONFIDENCE_HIGH: '120', STATE_DIR: join(home.dir, 'never-made') };
    const { code, stderr } = await autoblock(['blocks', 'add', '203.0.113.7'], { dir: home.dir, env });
    expect(code).toBe(2);
    expect(stderr).toContain('CONFIDENCE_HIGH');
  });

  it('reads .env in the working directory, and the environment wins', async () => {
    writeFileSync(
      join(home.dir, '.env'),
      'HOURS_BACK=3\nTRAIN_DAYS=9\nALLOWLIST="203.0.113.0/24, 2001:DB8::1"\n',
    );
    const { stdout } = await config({ HOURS_BACK: '5' }, '--json');
    const values = new Map((JSON.parse(stdout) as Setting[]).map(({ key, value }) => [key, value]));
    expect(values.get('TRAIN_DAYS')).toBe('9');
    expect(values.get('HOURS_BACK')).toBe('5');
    expect(values.get('ALLOWLIST')).toBe('203.0.113.0/24,2001:db8::1');
  });

  it('warns of a setting that nobody reads because of its spelling', async () => {
    const { code, stderr } = await config({ CONFIDENCE_HIHG: '97' });
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: .*CONFIDENCE_HIHG.*CONFIDENCE_HIGH/);
  });
});
