import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type FlowLine, parseFlowHeader, parseFlowLine } from '../../src/evaluation/flow-csv.ts';
import { sharedFlows } from '../support/shared-data.ts';

export type LabelledFlow = Extract<FlowLine, { ok: true }>;

/**
 * All flows of a shared capture in file order; none where it is missing, because the body of a skipped suite still
 * runs.
 */
export function readCapture(name: string): LabelledFlow[] {
  const path = sharedFlows(name);
  if (!existsSync(path)) return [];
  const [header, ...lines] = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  const columns = parseFlowHeader(header!);
  return lines.map((line) => {
    const flow = parseFlowLine(line, columns);
    if (!flow.ok) throw new Error(`${name}: ${flow.reason.column} reads ${flow.reason.found}`);
    return flow;
  });
}
