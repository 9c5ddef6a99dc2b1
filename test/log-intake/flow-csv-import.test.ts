import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/features/log-record.ts';
import {
  type FlowImport,
  type FlowImportResult,
  importFlowFiles,
} from '../../src/log-intake/flow-csv-import.ts';
import { readFlowFiles } from '../../src/log-intake/flow-files.ts';
import { writeLogRecords } from '../../src/log-intake/log-writer.ts';
import { inspectLogsRelation } from '../../src/storage/logs-relation.ts';
import { migrateDatabase } from '../../src/storage/schema-migrations.ts';
import { silentLogger, startTestPostgres, type TestPostgres } from '../support/postgres.ts';

const FLOWS = join(import.meta.dirname, '../../../shared/data/flows');
const HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets,label,attack,dataset';
const NOW = Date.UTC(2026, 0, 31, 12);

let server: TestPostgres;
let pool: pg.Pool;
let directory: string;

beforeAll(async () => {
  server = await startTestPostgres();
  directory = await mkdtemp(join(tmpdir(), 'autoblock-import-test-'));
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  pool = await server.database();
  await migrateDatabase({ pool, logsRelation: 'network_logs', logger: silentLogger });
});

async function importing(files: string[], options: Partial<FlowImport> = {}): Promise<FlowImportResult> {
  return importFlowFiles({
    pool,
    relation: await inspectLogsRelation({ pool, relation: 'network_logs' }),
    files,
    shiftToMs: null,
    routerId: 'edge',
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...options,
  });
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

async function stored(): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `SELECT router_id, to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS at, host(source_ip) AS source_ip,
       source_port, host(destination_ip) AS destination_ip, destination_port, protocol, action, bytes::text, packets
     FROM network_logs ORDER BY id`,
  );
  return rows;
}

async function rowCount(): Promise<number> {
  return (await stored()).length;
}

const GOOD = '2022-06-12T21:56:55.389612Z,147.32.83.165,58038,195.95.206.30,80,TCP,accept,208,4,0,,x';

describe('importing flow files', () => {
  it('writes every field, empty ones as null, to the microsecond', async () => {
    const path = await file(
      'fields.csv',
      `\uFEFF${HEADER}\r\n${GOOD}\r\n\r\n2022-06-12T22:00:00Z,2001:db8::1,,::ffff:10.0.0.1,,,,,,1,a,b`,
    );
    const result = await importing([path]);
    expect(result).toEqual({
      rows: 2,
      badLineCount: 0,
      badLines: [],
      files: [
        {
          file: path,
          rows: 2,
          badLineCount: 0,
          shiftMs: 0,
          fromMs: Date.UTC(2022, 5, 12, 21, 56, 55, 389) + 0.612,
          toMs: Date.UTC(2022, 5, 12, 22),
        },
      ],
    });
    expect(await stored()).toEqual([
      {
        router_id: 'edge',
        at: '2022-06-12T21:56:55.389612',
        source_ip: '147.32.83.165',
        source_port: 58_038,
        destination_ip: '195.95.206.30',
        destination_port: 80,
        protocol: 'tcp',
        action: 'accept',
        bytes: '208',
        packets: 4,
      },
      {
        router_id: 'edge',
        at: '2022-06-12T22:00:00.000000',
        source_ip: '2001:db8::1',
        source_port: null,
        destination_ip: '10.0.0.1',
        destination_port: null,
        protocol: null,
        action: null,
        bytes: null,
        packets: null,
      },
    ]);
  });

  it('leaves bad lines out, counts all and tells the first twenty with their numbers', async () => {
    const bad = Array.from({ length: 25 }, (_, index) => GOOD.replace('147.32.83.165', `host-${index}`));
    const path = await file('bad.csv', [HEADER, GOOD, ...bad, GOOD].join('\n'));
    const result = await importing([path]);
    expect(result).toMatchObject({ rows: 2, badLineCount: 25 });
    expect(result.badLines).toHaveLength(20);
    expect(result.badLines[0]).toEqual({
      file: path,
      line: 3,
      reason: expect.stringContaining('source_ip: got "host-0"') as string,
    });
    expect(result.badLines[19]?.line).toBe(22);
    expect(await rowCount()).toBe(2);
  });

  it.each([
    ['no line that can be read', `${HEADER}\nnonsense\n`],
    ['only a header', `${HEADER}\n`],
    ['nothing at all', ''],
    ['columns missing', `timestamp,source_ip\n2022-06-12T22:00:00Z,10.0.0.1\n`],
    ['gzip cut off in the middle', gzipSync(`${HEADER}\n${`${GOOD}\n`.repeat(5000)}`).subarray(0, 200)],
    ['a line that never ends', `${HEADER}\n${GOOD}\n${'x'.repeat(3_000_000)}`],
  ])('refuses a file with %s, and leaves nothing of it behind', async (_, content) => {
    const path = await file('refused.csv', content);
    for (const shiftToMs of [null, NOW]) {
      await expect(importing([path], { shiftToMs })).rejects.toMatchObject({ code: 'INPUT_FILE' });
    }
    expect(await rowCount()).toBe(0);
  });

  it('refuses a file that is not there', async () => {
    await expect(importing([join(directory, 'absent.csv')])).rejects.toMatchObject({
      code: 'INPUT_FILE',
      message: expect.stringContaining('absent.csv') as string,
    });
  });

  it('keeps the files before a failing one and nothing of the failing one', async () => {
    const good = await file('first.csv', `${HEADER}\n${GOOD}\n`);
    const broken = await file(
      'second.csv.gz',
      gzipSync(`${HEADER}\n${`${GOOD}\n`.repeat(200_000)}`).subarray(0, -100),
    );
    await expect(importing([good, broken])).rejects.toMatchObject({ code: 'INPUT_FILE' });
    expect(await rowCount()).toBe(1);
  });

  it('says which value the table refuses', async () => {
    await pool.query('ALTER TABLE network_logs ADD CHECK (destination_port <> 80)');
    const path = await file('refused-value.csv', `${HEADER}\n${GOOD}\n`);
    await expect(importing([path])).rejects.toMatchObject({ code: 'INPUT_FILE' });
  });

  it('moves every file so that its own newest record is now, keeping its duration', async () => {
    const line = (at: string): string => GOOD.replace('2022-06-12T21:56:55.389612Z', at);
    const old = await file(
      'old.csv',
      [HEADER, line('2018-07-31T10:00:00Z'), line('2018-07-31T11:30:00.5Z')].join('\n'),
    );
    // The newest record need not be the last line.
    const young = await file(
      'young.csv',
      [HEADER, line('2025-01-01T00:00:10Z'), line('2025-01-01T00:00:00Z')].join('\n'),
    );
    const result = await importing([old, young], { shiftToMs: NOW });
    expect(result.files.map(({ fromMs, toMs }) => [fromMs - NOW, toMs - NOW])).toEqual([
      [-5_400_500, 0],
      [-10_000, 0],
    ]);
    expect((await stored()).map(({ at }) => at)).toEqual([
      '2026-01-31T10:29:59.500000',
      '2026-01-31T12:00:00.000000',
      '2026-01-31T12:00:00.000000',
      '2026-01-31T11:59:50.000000',
    ]);
  });

  it('reads standard input, gzip too, shifted too', async () => {
    const stdin = Readable.from([gzipSync(`${HEADER}\n${GOOD}\n`)]);
    expect(await importing(['-'], { stdin, shiftToMs: NOW })).toMatchObject({
      rows: 1,
      files: [{ file: '-', toMs: NOW }],
    });
  });

  it('leaves nothing behind when it is given up midway', async () => {
    const path = await file('long.csv', `${HEADER}\n${`${GOOD}\n`.repeat(100_000)}`);
    const abort = new AbortController();
    const importingIt = importing([path], {
      signal: abort.signal,
      onProgress: ({ rows }) => {
        if (rows > 10_000) abort.abort(new Error('stopped by hand'));
      },
    });
    await expect(importingIt).rejects.toThrow('stopped by hand');
    expect(await rowCount()).toBe(0);
  });

  it('writes into a table without the optional columns, and never into a view', async () => {
    await pool.query(`
      CREATE TABLE slim (timestamp timestamp, source_ip text, destination_ip inet);
      CREATE VIEW shown AS SELECT * FROM slim WHERE source_ip <> ''`);
    const path = await file('slim.csv', `${HEADER}\n${GOOD}\n`);
    await importing([path], { relation: await inspectLogsRelation({ pool, relation: 'slim' }) });
    expect(
      (await pool.query('SELECT timestamp::text, source_ip, host(destination_ip) AS to FROM slim')).rows,
    ).toEqual([{ timestamp: '2022-06-12 21:56:55.389612', source_ip: '147.32.83.165', to: '195.95.206.30' }]);
    await expect(
      importing([path], { relation: await inspectLogsRelation({ pool, relation: 'shown' }) }),
    ).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });
});

describe('writing generated records', () => {
  it('copies them all, text escaped, and counts what the server took', async () => {
    const progress: number[] = [];
    const one: LogRecord = {
      timestampMs: NOW + 0.25,
      sourceIp: '10.0.0.1',
      sourcePort: null,
      destinationIp: '10.0.0.2',
      destinationPort: 53,
      protocol: 'a\tb\\N\nc',
      action: null,
      bytes: 1,
      packets: null,
    };
    const records = (function* () {
      for (let index = 0; index < 20_000; index += 1) yield one;
    })();
    const rows = await writeLogRecords({
      pool,
      relation: await inspectLogsRelation({ pool, relation: 'network_logs' }),
      records,
      routerId: null,
      onProgress: (written) => progress.push(written),
      signal: new AbortController().signal,
    });
    expect(rows).toBe(20_000);
    expect(progress.at(-1)).toBe(20_000);
    const { rows: kinds } = await pool.query(
      `SELECT count(*)::int AS count, protocol, router_id, extract(microseconds FROM timestamp)::int AS micros
       FROM network_logs GROUP BY 2, 3, 4`,
    );
    expect(kinds).toEqual([{ count: 20_000, protocol: 'a\tb\\N\nc', router_id: null, micros: 250 }]);
  });

  it('leaves nothing behind when the generator fails', async () => {
    const records = (function* (): Generator<LogRecord> {
      for (let index = 0; index < 5000; index += 1) {
        yield {
          timestampMs: NOW,
          sourceIp: '10.0.0.1',
          sourcePort: null,
          destinationIp: '10.0.0.2',
          destinationPort: null,
          protocol: null,
          action: null,
          bytes: null,
          packets: null,
        };
      }
      throw new Error('out of ideas');
    })();
    const relation = await inspectLogsRelation({ pool, relation: 'network_logs' });
    const signal = new AbortController().signal;
    await expect(writeLogRecords({ pool, relation, records, routerId: null, signal })).rejects.toThrow(
      'out of ideas',
    );
    expect(await rowCount()).toBe(0);
  });
});

if (!existsSync(FLOWS)) process.stderr.write(`real captures not tested: ${FLOWS} is missing\n`);

describe.skipIf(!existsSync(FLOWS))('real captures', () => {
  const iot = join(FLOWS, 'iot23_8-1.csv.gz');
  const exposed = join(FLOWS, 'stratosphere_011_exposed_host.csv.gz');

  it('imports captures of different years so that both end now, every row of them', async () => {
    const result = await importing([iot, exposed], { shiftToMs: NOW });
    // Row counts as the data's README gives them.
    expect(result.files.map(({ rows, toMs }) => [rows, toMs])).toEqual([
      [10_403, NOW],
      [9048, NOW],
    ]);
    expect(result.badLineCount).toBe(0);
    const { rows } = await pool.query(
      `SELECT count(*)::int AS rows, count(DISTINCT source_ip)::int AS sources, max(timestamp) AS newest,
         sum(bytes)::text AS bytes FROM network_logs`,
    );
    const { readFileSync } = await import('node:fs');
    const bytes = [iot, exposed]
      .flatMap((path) => gunzipSync(readFileSync(path)).toString().trim().split('\n').slice(1))
      .reduce((sum, line) => sum + Number(line.split(',')[7]), 0);
    // 2 and 1519 sources; the captures share none.
    expect(rows).toEqual([{ rows: 19_451, sources: 1521, newest: new Date(NOW), bytes: String(bytes) }]);
  });

  it('reads the same flows without a database', async () => {
    let given = 0;
    const read = await readFlowFiles({ files: [iot, exposed], onRecord: () => (given += 1) });
    expect(read).toEqual({
      rows: 19_451,
      badLineCount: 0,
      fromMs: Date.UTC(2018, 6, 31, 13, 15, 11, 474) + 0.174,
      toMs: expect.any(Number) as number,
    });
    expect(given).toBe(19_451);
  });
});
