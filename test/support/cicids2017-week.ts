import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, deriveSeed, type Random } from '../../src/detector/random.ts';
import { CICIDS_HEADER, type CicidsFields, cicidsLine, EMPTY_CICIDS_LINE } from './cicids2017-line.ts';
import { ephemeral, WEEK_FILES, type WeekFile } from './cicids2017-schedule.ts';

/** The inside hosts that do nothing but work; one of them is infiltrated later. */
const HOSTS = [5, 8, 9, 12, 14, 16, 17, 19, 25, 50, 51].map((host) => `192.168.10.${host}`);
const RESOLVER = '192.168.10.3';

export interface WeekSize {
  readonly seed?: number;
  /** Flows each of eleven inside hosts begins in a minute, on average. */
  readonly flowsPerHostMinute?: number;
  /** Servers on the Internet; each also appears as a source, by late packets of forgotten connections. */
  readonly serverCount?: number;
}

/** Writes a made-up week in the published layout into the folder. Returns the number of flows. */
export function writeCicidsWeek(directory: string, size: WeekSize = {}): number {
  mkdirSync(directory, { recursive: true });
  return WEEK_FILES.reduce((flows, file) => flows + writeFile(join(directory, file.name), file, size), 0);
}

const BATCH_CHARACTERS = 4 * 1024 * 1024;

function writeFile(path: string, file: WeekFile, size: WeekSize): number {
  const descriptor = openSync(path, 'w');
  let flows = 0;
  let batch = `${CICIDS_HEADER}\r\n`;
  const flush = (): void => {
    writeSync(descriptor, Buffer.from(batch, 'latin1'));
    batch = '';
  };
  for (const line of linesOf(file, size)) {
    batch += `${line}\r\n`;
    flows += 1;
    if (batch.length > BATCH_CHARACTERS) flush();
  }
  batch += `${EMPTY_CICIDS_LINE}\r\n`.repeat(file.emptyLines ?? 0);
  flush();
  closeSync(descriptor);
  return flows;
}

/** Minutes come in any order, as in the published files. */
function* linesOf(
  file: WeekFile,
  { seed = 1, flowsPerHostMinute = 1, serverCount = 60 }: WeekSize,
): Generator<string> {
  const random = createRandom(deriveSeed(seed, file.name));
  const from = minuteOf(file.from);
  const count = minuteOf(file.to) - from;
  for (let step = 0; step < count; step += 1) {
    const minute = from + ((step * 101) % count);
    for (const flow of benignFlows(random, flowsPerHostMinute, serverCount))
      yield cicidsLine({ ...flow, timestamp: timestampOf(file, minute, random) });
    for (const { label, flow, flowsPerMinute, ...time } of file.campaigns) {
      if (minute < minuteOf(time.from) || minute >= minuteOf(time.to)) continue;
      for (let i = 0; i < flowsPerMinute; i += 1)
        yield cicidsLine({ ...flow(random), label, timestamp: timestampOf(file, minute, random) });
    }
  }
}

function* benignFlows(
  random: Random,
  flowsPerHostMinute: number,
  serverCount: number,
): Generator<Partial<CicidsFields>> {
  for (const host of HOSTS) {
    const count = Math.floor(2 * flowsPerHostMinute * random.next() + 0.5);
    for (let i = 0; i < count; i += 1) yield benignFlow(random, host, serverCount);
  }
  // What CICFlowMeter could not read.
  if (random.next() < 0.1)
    yield { sourceIp: '8.0.6.4', sourcePort: 0, destinationIp: '8.6.0.1', destinationPort: 0, protocol: 0 };
}

function benignFlow(random: Random, host: string, serverCount: number): Partial<CicidsFields> {
  const server = random.nextInt(serverCount);
  const serverIp = `104.${16 + (server >>> 14)}.${(server >>> 6) & 255}.${1 + (server & 63)}`;
  const kind = random.next();
  if (kind < 0.4) {
    const ports = { sourcePort: ephemeral(random), destinationPort: 53 };
    const size = { packets: [2, 2], payload: [70 + random.nextInt(30), 200], headerBytes: [64, 64] } as const;
    return { sourceIp: host, destinationIp: RESOLVER, protocol: 17, ...ports, ...size };
  }
  if (kind < 0.8) {
    const packets = 6 + random.nextInt(60);
    return {
      sourceIp: host,
      sourcePort: ephemeral(random),
      destinationIp: serverIp,
      destinationPort: random.next() < 0.8 ? 443 : 80,
      packets: [packets, packets + 3],
      payload: [packets * 40, packets * 700],
      headerBytes: [packets * 32, (packets + 3) * 32],
      bytesPerSecond: random.next() < 0.01 ? 'NaN' : '100',
    };
  }
  const late = {
    sourceIp: serverIp,
    sourcePort: 443,
    destinationIp: host,
    destinationPort: ephemeral(random),
  };
  const bytesPerSecond = random.next() < 0.01 ? 'Infinity' : '100';
  if (kind < 0.9) {
    const headerBytes = [random.next() < 0.01 ? -32_212_234_632 : 40, 0] as const;
    return { ...late, packets: [2, 0], payload: [12, 0], headerBytes, bytesPerSecond };
  }
  // A long connection, cut after two minutes: the rest begins with the server.
  const packets = 4 + random.nextInt(12);
  return {
    ...late,
    packets: [packets, packets],
    payload: [packets * 900, packets * 30],
    headerBytes: [packets * 32, packets * 32],
    bytesPerSecond,
  };
}

function minuteOf(clock: string): number {
  const [hour, minute] = clock.split(':').map(Number) as [number, number];
  return hour * 60 + minute;
}

/** `03/07/2017 08:55:58` on Monday, `4/7/2017 2:05` on the other days, afternoons as 1 to 5. */
function timestampOf({ dayOfJuly, withSeconds }: WeekFile, minuteOfDay: number, random: Random): string {
  const hour = Math.floor(minuteOfDay / 60);
  const clockHour = hour > 12 ? hour - 12 : hour;
  const minute = twoDigits(minuteOfDay % 60);
  if (withSeconds !== true) return `${dayOfJuly}/7/2017 ${clockHour}:${minute}`;
  return `${twoDigits(dayOfJuly)}/07/2017 ${twoDigits(clockHour)}:${minute}:${twoDigits(random.nextInt(60))}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
