import { oneLine, renderTable, timeText } from './tables.ts';

interface AuditLine {
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly router: string | null;
  readonly address: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
}

const HEAD = ['WHEN', 'WHO', 'WHAT', 'ROUTER', 'ADDRESS', 'BEFORE -> AFTER', 'WHY'];

/** The record for people, one line each: when, who, what, where, from what to what, why. */
export function auditTable(records: readonly AuditLine[]): string {
  return renderTable(
    HEAD,
    records.map((record) => [
      timeText(record.atMs),
      record.actor,
      record.action,
      record.router,
      record.address,
      changeText(record),
      record.reason ?? '',
    ]),
  );
}

/** `expires 2026-11-22T03:00:00Z -> expires 2026-11-23T03:00:00Z`; a side with nothing to tell is a dash. */
function changeText({ before, after }: Pick<AuditLine, 'before' | 'after'>): string {
  if (isNothing(before) && isNothing(after)) return '';
  return `${stateText(before)} -> ${stateText(after)}`;
}

function stateText(state: unknown): string {
  if (isNothing(state)) return '-';
  if (typeof state !== 'object' || Array.isArray(state)) return oneLine(valueText(state));
  const told = Object.entries(state as Record<string, unknown>).filter(([, value]) => !isNothing(value));
  return told.map(([name, value]) => `${name} ${oneLine(valueText(value))}`).join(', ');
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value.replace(/\.\d{3}Z$/, 'Z') : JSON.stringify(value);
}
