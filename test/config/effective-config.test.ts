import { validate } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { effectiveConfig } from '../../src/config/effective-config.ts';
import { type Environment, loadConfig } from '../../src/config/load-config.ts';
import { OPTIONS } from '../../src/config/options.ts';

function rowsOf(env: Environment) {
  return effectiveConfig(loadConfig({ env, isCron: validate, cwd: '/srv' }), env);
}

function row(env: Environment, key: string) {
  return rowsOf(env).find((setting) => setting.key === key);
}

describe('effectiveConfig', () => {
  it('has one row for every option, in the order of the table', () => {
    expect(rowsOf({}).map(({ key }) => key)).toEqual(OPTIONS.map(({ env }) => env));
    expect(rowsOf({}).every(({ source }) => source === 'default')).toBe(true);
  });

  it('tells what is in effect, what the default is and where the value comes from', () => {
    expect(row({ ALLOWLIST: '192.0.2.9/24 ::1' }, 'ALLOWLIST')).toEqual({
      key: 'ALLOWLIST',
      value: '192.0.2.0/24,::1',
      default: 'empty',
      source: 'environment',
    });
    expect(row({}, 'STATE_DIR')).toEqual({
      key: 'STATE_DIR',
      value: '/srv/.autoblock',
      default: '.autoblock',
      source: 'default',
    });
    expect(row({ HOURS_BACK: '' }, 'HOURS_BACK')?.source).toBe('default');
  });

  it('masks the password of the database and of the router', () => {
    const env = {
      DATABASE_URL: 'postgresql://me:hunter2@db.example/logs',
      ROUTER_HOST: 'gw',
      ROUTER_USER: 'api',
      ROUTER_PASSWORD: 'hunter2',
    };
    expect(JSON.stringify(rowsOf(env))).not.toContain('hunter2');
    expect(row(env, 'DATABASE_URL')?.value).toBe('postgresql://me:***@db.example/logs');
    expect(row(env, 'ROUTER_PASSWORD')?.value).toBe('[masked]');
    expect(row(env, 'ROUTER_HOST')?.value).toBe('gw');
  });

  it('says in words what an absent value means', () => {
    expect(row({}, 'DATABASE_URL')?.value).toBe('embedded PostgreSQL under STATE_DIR');
    expect(row({}, 'ROUTER_PORT')?.value).toBe('8729 with TLS, 8728 without');
  });
});
