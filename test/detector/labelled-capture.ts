import { createSiteAccumulator, type LabelledSite } from '../../src/evaluation/labelled-site.ts';
import { readLabelledFlows } from '../../src/log-intake/flow-files.ts';
import { info, settings } from './site-parts.ts';

/** One minute: the captures are short. */
const CAPTURE_WINDOW_MS = 60_000;

/** Captures hold hosts of private networks, and hosts exposed to the Internet. */
export function isPrivate(ip: string): boolean {
  return /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(ip);
}

export const captureTraining = {
  isInternal: isPrivate,
  settings: { ...settings, windowMinutes: 1 },
  info,
} as const;

/** The site of a labelled flow file, at 1-minute windows. */
export async function readSite(path: string): Promise<LabelledSite> {
  const accumulator = createSiteAccumulator(CAPTURE_WINDOW_MS);
  const { signal } = new AbortController();
  await readLabelledFlows({ path, signal, onFlow: accumulator.add });
  return accumulator.finish(path);
}
