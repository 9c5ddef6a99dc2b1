/**
 * `npm run bench -- detect [--json] [--records N] [--sources N]`: detection over the logs of one hour on a PostgreSQL of
 * its own, beside a bare drain of the same COPY. Each part runs in a process of its own, so that peak memory is that of
 * detecting alone; the table is the same at every run.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../positive-integer.mjs';

export const description =
  'detect over 1M log rows of 100k sources: seconds and peak memory, beside a bare drain';

const DIST = new URL('../../dist/', import.meta.url);
const FROM_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const WINDOW_MINUTES = 5;
const PART_FLAG = '--part-of-detect-bench';
const MODEL_PARTS = ['isolation_forest', 'scaler', 'feature_selector', 'gradient_boosting'];

const load = (path) => import(new URL(path, DIST).href);
const seconds = (sinceMs) => Number(((performance.now() - sinceMs) / 1000).toFixed(3));
const isInternal = (ip) => ip.startsWith('10.');

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      records: { type: 'string', default: '1000000' },
      sources: { type: 'string', default: '100000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${description}\n\nOptions: --json, --records N (1000000), --sources N (100000)\n`);
    return;
  }
  const size = {
    records: positiveInteger('records', values.records),
    sources: positiveInteger('sources', values.sources),
  };
  const result = await measure(size);
  process.stdout.write(`${values.json ? JSON.stringify(result) : asText(result)}\n`);
}

async function measure(size) {
  const { startEmbeddedPostgres } = await load('storage/embedded-postgres.js');
  const { createLogger } = await load('logger.js');
  const logger = createLogger({ level: 'error' });
  const directory = mkdtempSync(join(tmpdir(), 'autoblock-bench-'));
  try {
    const server = await startEmbeddedPostgres({ stateDir: join(directory, 'state'), logger });
    try {
      const job = { ...size, connectionString: server.connectionString, modelDir: join(directory, 'model') };
      await fillLogs(job, logger);
      const drain = await inProcess('drain', job);
      const training = await inProcess('train', job);
      const detection = await inProcess('detect', job);
      const ratioToDrain = Number((detection.totalSeconds / drain.drainSeconds).toFixed(2));
      return { ...size, ...drain, ...training, ...detection, ratioToDrain };
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Every source occurs at least once, the rest follows Zipf's law: the loudest percent of the sources sends about half
 * of all rows. One source in twenty is internal. Pseudo-random numbers are hashes of the row number.
 */
const FILL = `
  INSERT INTO network_logs (router_id, timestamp, source_ip, source_port, destination_ip, destination_port,
    protocol, action, bytes, packets)
  SELECT 'bench', to_timestamp($3::float8 / 1000 + 3600.0 * i / $1),
    CASE WHEN source % 20 = 0 THEN '10.0.0.0'::inet + source ELSE '100.64.0.0'::inet + source * 37 END,
    1024 + h1 % 60000,
    CASE WHEN source % 20 = 0 THEN '198.18.0.0'::inet + h2 % 4000 ELSE '203.0.113.0'::inet + h2 % 200 END,
    (ARRAY[443, 443, 443, 80, 53, 22, 3389, 8080, 25, 1 + h3 % 65000])[1 + h3 % 10],
    CASE WHEN h3 % 10 = 4 THEN 'udp' ELSE 'tcp' END,
    CASE WHEN h2 % 7 = 0 THEN 'drop' ELSE 'accept' END,
    40 + (10 ^ (1 + 4 * u))::bigint, 1 + h1 % 40
  FROM (
    SELECT i, u, h1, h2, h3, CASE WHEN i % 10 = 0 AND i / 10 < $2 THEN (i / 10)::int
      ELSE least($2 - 1, floor($2::float8 ^ u))::int END AS source
    FROM (
      SELECT i, hashint8extended(i, 1) & 2147483647 AS h1, hashint8extended(i, 2) & 2147483647 AS h2,
        hashint8extended(i, 3) & 2147483647 AS h3,
        (hashint8extended(i, 4) & 2147483647) / 2147483648.0::float8 AS u
      FROM generate_series(0, $1::bigint - 1) AS i) AS numbers) AS rows`;

async function fillLogs(job, logger) {
  const { migrateDatabase } = await load('storage/schema-migrations.js');
  await withPool(job, logger, async (pool) => {
    await migrateDatabase({ pool, logsRelation: 'network_logs', logger });
    await pool.query(FILL, [job.records, job.sources, FROM_MS]);
    await pool.query('VACUUM ANALYZE network_logs');
  });
}

async function withPool({ connectionString }, logger, work) {
  const { createPostgresPool } = await load('storage/postgres-connection.js');
  const pool = createPostgresPool({
    connectionString,
    applicationName: 'autoblock bench',
    statementTimeoutMs: 600_000,
    logger,
  });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** Runs one part in a child process and gives back what it sends. */
function inProcess(part, job) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [PART_FLAG]);
    let answer = null;
    child.once('error', reject);
    child.on('message', (message) => {
      answer = message;
    });
    child.once('exit', (code) => {
      if (code === 0 && answer !== null) resolve(answer);
      else reject(new Error(`the part "${part}" ended with ${code}`));
    });
    child.send({ part, job });
  });
}

const PARTS = { drain: drainPart, train: trainPart, detect: detectPart };

async function drainPart({ pool, relation, job }) {
  const { copyLogsSql } = await load('log-source/log-query.js');
  const { to } = await import('pg-copy-streams');
  const sql = copyLogsSql({ relation, fromMs: FROM_MS, toMs: FROM_MS + HOUR_MS, limit: job.records + 1 });
  const client = await pool.connect();
  try {
    const startedAt = performance.now();
    let drainBytes = 0;
    for await (const chunk of client.query(to(sql))) drainBytes += chunk.length;
    return { drainSeconds: seconds(startedAt), drainBytes };
  } finally {
    client.release();
  }
}

async function readFeatures({ pool, relation, job }) {
  const { readLogRecords } = await load('log-source/log-reader.js');
  const { createTrafficAccumulator } = await load('features/traffic-windows.js');
  const accumulator = createTrafficAccumulator({ windowMs: WINDOW_MINUTES * 60_000 });
  const read = await readLogRecords({
    pool,
    relation,
    fromMs: FROM_MS,
    toMs: FROM_MS + HOUR_MS,
    maxRecords: job.records,
    statementTimeoutMs: 600_000,
    signal: new AbortController().signal,
    onRecord: (record) => accumulator.add(record),
  });
  if (read.records !== job.records) throw new Error(`${read.records} of ${job.records} rows read`);
  return accumulator.finish();
}

async function trainPart(parts) {
  const { trainModel } = await load('detector/train-model.js');
  const { encodeModel } = await load('detector/model-files.js');
  const traffic = await readFeatures(parts);
  const startedAt = performance.now();
  const model = trainModel({
    traffic,
    isInternal,
    settings: {
      contamination: 0.03,
      nEstimators: 250,
      sampleSize: 256,
      chi2TopK: 18,
      windowMinutes: WINDOW_MINUTES,
      seed: 1,
    },
    info: {
      version: 'bench',
      createdAt: new Date(FROM_MS).toISOString(),
      source: 'database',
      trainingWindow: {
        from: new Date(FROM_MS).toISOString(),
        to: new Date(FROM_MS + HOUR_MS).toISOString(),
      },
      records: parts.job.records,
      internalNetworks: ['10.0.0.0/8'],
    },
  });
  const trainSeconds = seconds(startedAt);
  const { files, metadata } = encodeModel(model);
  mkdirSync(parts.job.modelDir);
  for (const part of MODEL_PARTS) writeFileSync(join(parts.job.modelDir, part), files[part]);
  writeFileSync(join(parts.job.modelDir, 'metadata.json'), JSON.stringify(metadata));
  return { trainSeconds };
}

async function detectPart(parts) {
  const { decodeModel } = await load('detector/model-files.js');
  const { createHybridDetector } = await load('detector/hybrid-detector.js');
  const { modelDir } = parts.job;
  const files = Object.fromEntries(MODEL_PARTS.map((part) => [part, readFileSync(join(modelDir, part))]));
  const model = decodeModel(files, JSON.parse(readFileSync(join(modelDir, 'metadata.json'), 'utf8')));
  const detector = createHybridDetector({ model, thresholds: { highRisk: 95, mediumRisk: 70 }, isInternal });

  const startedAt = performance.now();
  const traffic = await readFeatures(parts);
  const readAndFeaturesSeconds = seconds(startedAt);
  const scoringAt = performance.now();
  const detections = detector.detect(traffic);
  const scoreSeconds = seconds(scoringAt);
  const totalSeconds = seconds(startedAt);
  const usage = process.resourceUsage();
  return {
    readAndFeaturesSeconds,
    scoreSeconds,
    totalSeconds,
    entities: traffic.short.entityCount,
    detections: detections.length,
    // The same before and after a change that is only to make it faster.
    digest: createHash('sha256').update(JSON.stringify(detections)).digest('hex').slice(0, 16),
    // Tells the work from the waiting on a machine that has something else to do.
    cpuSeconds: Number(((usage.userCPUTime + usage.systemCPUTime) / 1e6).toFixed(3)),
    // Linux and macOS report maxRSS to Node in kilobytes.
    peakRssMb: Math.round(usage.maxRSS / 1024),
  };
}

function asText(result) {
  return [
    `${result.records} log rows, ${result.sources} sources, ${result.entities} entities of ${WINDOW_MINUTES} minutes`,
    `bare drain of the COPY   ${result.drainSeconds} s (${Math.round(result.drainBytes / 1e6)} MB)`,
    `read and features        ${result.readAndFeaturesSeconds} s`,
    `score and explain        ${result.scoreSeconds} s (${result.detections} detections, digest ${result.digest})`,
    `total                    ${result.totalSeconds} s, ${result.ratioToDrain} times the bare drain (${result.cpuSeconds} s of processor)`,
    `peak memory (RSS)        ${result.peakRssMb} MB`,
    `training on the same     ${result.trainSeconds} s (before, in another process)`,
  ].join('\n');
}

async function runPart({ part, job }) {
  const { createLogger } = await load('logger.js');
  const { inspectLogsRelation } = await load('storage/schema-migrations.js');
  const logger = createLogger({ level: 'error' });
  const answer = await withPool(job, logger, async (pool) =>
    PARTS[part]({ pool, job, relation: await inspectLogsRelation({ pool, relation: 'network_logs' }) }),
  );
  process.send(answer, () => process.disconnect());
}

if (process.argv[2] === PART_FLAG) process.once('message', runPart);
