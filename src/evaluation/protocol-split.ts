import { createRandom, deriveSeed, type Random, shuffled } from '../detector/random.ts';
import { VERDICT, type Verdicts } from '../detector/verdicts.ts';
import type { LabelledSite } from './labelled-site.ts';

/**
 * How a site is cut into what a model learns from and what it is asked about.
 * - `site`: it learns from 70 % of the benign entities; asked about the other benign and all attack entities.
 * - `natural`: it learns as in production, unlabelled and dirty: from 70 % of the benign entities and from attack
 *   entities up to 20 % of all it learns from; asked about the rest.
 * - `feedback`: as natural, with the true labels of some of what it learns from: an operator's verdicts.
 */
export const PROTOCOLS = ['site', 'natural', 'feedback'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface Split {
  /** Short entities to learn from and to be asked about, ascending, none in both. */
  readonly training: Int32Array;
  readonly test: Int32Array;
}

const TRAINING_SHARE = 0.7;
/** Attack entities among all that `natural` learns from, at most. */
const LARGEST_DIRTY_SHARE = 0.2;
/**
 * A site with so many sources or more is split by source: none is in both parts, under whichever label. Only where all that
 * is harmless comes from one source is that one split by entity, for nothing else could be learnt from and asked about.
 * With fewer sources both labels are split by entity.
 */
const SOURCES_FOR_SPLIT_BY_SOURCE = 10;

/** The same site, protocol and seed give the same split. */
export function splitSite(
  site: LabelledSite,
  { protocol, seed }: { protocol: Protocol; seed: number },
): Split {
  const random = createRandom(deriveSeed(seed, `split ${protocol === 'site' ? 'site' : 'natural'}`));
  const benign = entitiesOf(site, 0);
  const attacks = entitiesOf(site, 1);
  if (protocol === 'site') {
    const [training, rest] = splitByEntity(benign, random);
    return { training: ascending(training), test: ascending([...rest, ...attacks]) };
  }
  const inTraining = new Map<string, boolean>();
  const [benignTraining, benignRest] = splitLabel(site, { entities: benign, random, inTraining });
  const [attackTraining, attackRest] = splitLabel(site, { entities: attacks, random, inTraining });
  const most = Math.floor((benignTraining.length * LARGEST_DIRTY_SHARE) / (1 - LARGEST_DIRTY_SHARE));
  const dirty = shuffled(attackTraining, random).slice(0, most);
  return {
    training: ascending([...benignTraining, ...dirty]),
    test: ascending([...benignRest, ...attackRest]),
  };
}

/**
 * True labels of `count` random entities of the training part (all where it has fewer), as verdicts on the entities in
 * the order of `training`.
 */
export function drawVerdicts({
  site,
  training,
  count,
  seed,
}: {
  readonly site: LabelledSite;
  readonly training: Int32Array;
  readonly count: number;
  readonly seed: number;
}): Verdicts {
  const random = createRandom(deriveSeed(seed, 'verdicts'));
  const verdicts = new Int8Array(training.length).fill(VERDICT.none);
  const reviewed = shuffled(Array.from(training.keys()), random).slice(0, count);
  for (const position of reviewed)
    verdicts[position] = site.truth.labels[training[position]!] === 1 ? VERDICT.attack : VERDICT.benign;
  return verdicts;
}

function entitiesOf({ truth }: LabelledSite, label: 0 | 1): number[] {
  return Array.from(truth.labels.keys()).filter((entity) => truth.labels[entity] === label);
}

/** @param inTraining what was decided of sources before, and takes up what is decided here */
function splitLabel(
  site: LabelledSite,
  {
    entities,
    random,
    inTraining,
  }: { entities: readonly number[]; random: Random; inTraining: Map<string, boolean> },
): [readonly number[], readonly number[]] {
  const sourceOf = (entity: number): string => site.traffic.short.sourceIps[entity]!;
  const windows = new Map<string, number>();
  for (const entity of entities) windows.set(sourceOf(entity), (windows.get(sourceOf(entity)) ?? 0) + 1);
  const isLoneBenign = windows.size === 1 && site.truth.labels[entities[0]!] === 0;
  if (isLoneBenign || new Set(site.traffic.short.sourceIps).size < SOURCES_FOR_SPLIT_BY_SOURCE)
    return splitByEntity(entities, random);
  let taken = 0;
  for (const [source, count] of windows) if (inTraining.get(source) === true) taken += count;
  let isAskedAbout = Array.from(windows.keys()).some((source) => inTraining.get(source) === false);
  const undecided = shuffled([...windows.keys()], random).filter((source) => !inTraining.has(source));
  for (const [index, source] of undecided.entries()) {
    // Where one source has most of the windows and comes last, nothing would be left to ask about.
    const isNeeded = !isAskedAbout && index === undecided.length - 1;
    const isTaken = !isNeeded && taken < TRAINING_SHARE * entities.length;
    inTraining.set(source, isTaken);
    if (isTaken) taken += windows.get(source)!;
    else isAskedAbout = true;
  }
  return [
    entities.filter((entity) => inTraining.get(sourceOf(entity)) === true),
    entities.filter((entity) => inTraining.get(sourceOf(entity)) === false),
  ];
}

function splitByEntity(entities: readonly number[], random: Random): [readonly number[], readonly number[]] {
  const order = shuffled(entities, random);
  const taken = Math.round(TRAINING_SHARE * order.length);
  return [order.slice(0, taken), order.slice(taken)];
}

function ascending(entities: readonly number[]): Int32Array {
  return Int32Array.from(entities).sort();
}
