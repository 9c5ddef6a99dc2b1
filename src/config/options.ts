import { DECISION_OPTIONS } from './decision-options.ts';
import { DETECTOR_OPTIONS } from './detector-options.ts';
import type { Option } from './option.ts';
import { ROUTER_OPTIONS } from './router-options.ts';
import { TRAFFIC_OPTIONS } from './traffic-options.ts';

const FILE_AND_SCHEDULE_OPTIONS = [
  {
    key: 'stateDir',
    env: 'STATE_DIR',
    type: 'path',
    unit: null,
    default: '.autoblock',
    group: 'Files',
    description: 'Ledger, review queue, run history and the embedded PostgreSQL.',
  },
  {
    key: 'modelsDir',
    env: 'MODELS_DIR',
    type: 'path',
    unit: null,
    default: 'models',
    besideProgram: true,
    group: 'Files',
    description: 'Trained models, every version and the latest.',
  },
  {
    key: 'detectCron',
    env: 'DETECT_CRON',
    type: 'cron',
    unit: null,
    default: '*/5 * * * *',
    group: 'Schedule',
    description: 'When to detect.',
  },
  {
    key: 'retrainCron',
    env: 'RETRAIN_CRON',
    type: 'cron',
    unit: null,
    default: '0 3 * * 0',
    group: 'Schedule',
    description: 'When to train a new model (default: Sunday 03:00).',
  },
  {
    key: 'cronTimezone',
    env: 'CRON_TIMEZONE',
    type: 'timezone',
    unit: null,
    default: 'UTC',
    group: 'Schedule',
    description: 'Time zone of the two schedules, for example Europe/Warsaw.',
  },
] as const satisfies readonly Option[];

const PROCESS_OPTIONS = [
  {
    key: 'logLevel',
    env: 'LOG_LEVEL',
    type: 'enum',
    unit: null,
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    group: 'Process',
    description: 'Least serious log lines to write.',
  },
  {
    key: 'auditDays',
    env: 'AUDIT_DAYS',
    type: 'integer',
    unit: 'days',
    default: 365,
    min: 1,
    max: 3650,
    group: 'Process',
    description: 'How long the audit of every block, push and manual action is kept.',
  },
] as const satisfies readonly Option[];

/**
 * Every setting of autoblock, once. The loader, `autoblock config`, the README table and `.env.example` are derived
 * from this table, so an option that is not here does not exist.
 */
export const OPTIONS = [
  ...TRAFFIC_OPTIONS,
  ...FILE_AND_SCHEDULE_OPTIONS,
  ...DETECTOR_OPTIONS,
  ...DECISION_OPTIONS,
  ...ROUTER_OPTIONS,
  ...PROCESS_OPTIONS,
] as const satisfies readonly Option[];

interface ValueByType {
  readonly string: string;
  readonly boolean: boolean;
  readonly integer: number;
  readonly number: number;
  readonly path: string;
  readonly cron: string;
  readonly networks: readonly string[];
  /** Seconds. */
  readonly durations: readonly number[];
  readonly timezone: string;
  readonly enum: string;
  readonly url: string;
  readonly host: string;
}

type AnyOption = (typeof OPTIONS)[number];

/** One value per option, by its key; null where the option has no default. */
export type OptionValues = {
  readonly [O in AnyOption as O['key']]: ValueByType[O['type']] | (O['default'] extends null ? null : never);
};
