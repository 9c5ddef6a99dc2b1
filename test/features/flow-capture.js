import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const FLOWS_DIR = join(import.meta.dirname, '../../../shared/data/flows');
/** Path of a shared capture; null, with the reason printed, where the shared data is missing. */
export function sharedCapture(name) {
  const path = join(FLOWS_DIR, name);
  if (existsSync(path)) return path;
  process.stderr.write(`skipped: no shared capture ${path}\n`);
  return null;
}
/** Records of a canonical flow CSV in file order; the captures hold no quoted fields. */
export function readCapture(path) {
  const [, ...lines] = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  return lines.map(toRecord);
}
function toRecord(line) {
  const [time, sourceIp, sourcePort, destinationIp, destinationPort, protocol, action, bytes, packets] =
    line.split(',');
  return {
    timestampMs: Date.parse(`${time.slice(0, 23)}Z`) + Number(time.slice(23, 26)) / 1000,
    sourceIp: sourceIp,
    sourcePort: numberOrNull(sourcePort),
    destinationIp: destinationIp,
    destinationPort: numberOrNull(destinationPort),
    protocol: textOrNull(protocol),
    action: textOrNull(action),
    bytes: numberOrNull(bytes),
    packets: numberOrNull(packets),
  };
}
function numberOrNull(text) {
  return text === undefined || text === '' ? null : Number(text);
}
function textOrNull(text) {
  return text === undefined || text === '' ? null : text;
}
