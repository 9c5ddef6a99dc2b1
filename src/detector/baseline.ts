import type { TrafficWindows } from '../features/traffic-windows.ts';
import { evidenceOf, failedFlows } from './evidence-row.ts';
import { createRandom, deriveSeed, type Random } from './random.ts';
import { matchSignature } from './signatures.ts';
import type { SourceGroup } from './trained-model.ts';
import { VERDICT, type Verdicts } from './verdicts.ts';

/**
 * One source may not teach more windows than this: a tenth of a week of 5-minute windows. Above it a single
 * chatterbox, harmless or not, would become what is normal.
 */
const WINDOWS_PER_SOURCE = 200;

/** Beyond this many entities neither trees with a few hundred samples each nor boosting learn much that is new. */
const LARGEST_BASELINE = 3000;

export interface Baseline {
  /** Short entities that teach what is normal, ascending; those an operator called harmless among them. */
  readonly kept: Int32Array;
  /**
   * Short entities in which nothing was completed, ascending: scanners, and clients whose server is away. They teach
   * only as far as they do not look like attacks.
   */
  readonly doubtful: Int32Array;
  /** Short entities left out because they, or the long window around them, show an attack signature. */
  readonly attackLike: Int32Array;
  /** Short entities of sources not known as bad: what "the most ever seen" is taken from. */
  readonly notKnownBad: Int32Array;
  /** Short entities that operators called attacks, and harmless. */
  readonly reviewedAttacks: Int32Array;
  readonly reviewedBenign: Int32Array;
  readonly exclusions: {
    readonly knownBadSources: number;
    readonly attackSignatures: number;
    readonly sampledAway: number;
  };
}

type Kind = 'knownBad' | 'attackLike' | 'nothingCompleted' | 'normal' | 'reviewedAttack' | 'reviewedBenign';

export interface BaselineChoice {
  readonly traffic: TrafficWindows;
  /** Short entities of the group. */
  readonly entities: Int32Array;
  readonly group: SourceGroup;
  readonly excludedSources: Pick<ReadonlySet<string>, 'has'>;
  readonly verdicts: Verdicts | null;
  readonly seed: number;
}

/**
 * Chooses what a group's model may learn from. Traffic as the firewall sees it holds so many attackers that learning
 * from all of it makes them the normal: left out are known bad sources and attack signatures at either time scale, and
 * set apart are windows in which nothing was completed, be it several flows or a single probe. What operators decided
 * goes before all of these.
 */
export function chooseBaseline(choice: BaselineChoice): Baseline {
  const { traffic, entities, group, excludedSources, seed } = choice;
  const byKind: Record<Kind, number[]> = {
    knownBad: [],
    attackLike: [],
    nothingCompleted: [],
    normal: [],
    reviewedAttack: [],
    reviewedBenign: [],
  };
  const kindOf = createKindOf(choice);
  for (const entity of entities) byKind[kindOf(entity)].push(entity);
  const random = createRandom(deriveSeed(seed, `baseline ${group}`));
  const capped = capWindowsPerSource({ traffic, entities: byKind.normal, random });
  const sampled = sample(capped, LARGEST_BASELINE, random);
  const doubtful = sample(
    capWindowsPerSource({ traffic, entities: byKind.nothingCompleted, random }),
    LARGEST_BASELINE,
    random,
  );
  const reviewed = sample(byKind.reviewedBenign, LARGEST_BASELINE, random);
  return {
    kept: Int32Array.from([...sampled, ...reviewed]).sort(),
    doubtful: Int32Array.from(doubtful).sort(),
    attackLike: Int32Array.from(byKind.attackLike),
    notKnownBad: entities.filter((entity) => !excludedSources.has(traffic.short.sourceIps[entity]!)),
    reviewedAttacks: Int32Array.from(sample(byKind.reviewedAttack, LARGEST_BASELINE, random)).sort(),
    reviewedBenign: Int32Array.from(reviewed).sort(),
    exclusions: {
      knownBadSources: byKind.knownBad.length,
      attackSignatures: byKind.attackLike.length,
      sampledAway: byKind.normal.length - sampled.length + byKind.reviewedBenign.length - reviewed.length,
    },
  };
}

function createKindOf({
  traffic: { short, long, longOf },
  group,
  excludedSources,
  verdicts,
}: BaselineChoice): (entity: number) => Kind {
  const longShowsAttack = new Map<number, boolean>();
  const showsAttack = (table: typeof short, row: number): boolean =>
    matchSignature({ row: evidenceOf(table, row), group, windowMs: table.windowMs, typical: null }) !== null;
  const isWithinAttack = (longRow: number): boolean => {
    const known = longShowsAttack.get(longRow) ?? showsAttack(long, longRow);
    longShowsAttack.set(longRow, known);
    return known;
  };
  return (entity) => {
    const verdict = verdicts?.[entity] ?? VERDICT.none;
    if (verdict === VERDICT.attack) return 'reviewedAttack';
    if (verdict === VERDICT.benign) return 'reviewedBenign';
    if (excludedSources.has(short.sourceIps[entity]!)) return 'knownBad';
    if (showsAttack(short, entity) || isWithinAttack(longOf[entity]!)) return 'attackLike';
    const row = evidenceOf(short, entity);
    return failedFlows(row) < row('flows') ? 'normal' : 'nothingCompleted';
  };
}

function capWindowsPerSource({
  traffic,
  entities,
  random,
}: {
  readonly traffic: TrafficWindows;
  readonly entities: readonly number[];
  readonly random: Random;
}): number[] {
  const bySource = new Map<string, number[]>();
  for (const entity of entities) {
    const sourceIp = traffic.short.sourceIps[entity]!;
    const windows = bySource.get(sourceIp);
    if (windows === undefined) bySource.set(sourceIp, [entity]);
    else windows.push(entity);
  }
  return Array.from(bySource.values()).flatMap((windows) => sample(windows, WINDOWS_PER_SOURCE, random));
}

/** At most `size` of the items, each as likely (partial Fisher-Yates). */
function sample(items: readonly number[], size: number, random: Random): number[] {
  const pool = [...items];
  if (pool.length <= size) return pool;
  for (let index = 0; index < size; index += 1) {
    const other = index + random.nextInt(pool.length - index);
    [pool[index], pool[other]] = [pool[other]!, pool[index]!];
  }
  return pool.slice(0, size);
}
