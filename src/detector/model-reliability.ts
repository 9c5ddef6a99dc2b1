import { type Fields, invalid, readCount, readList, readNumber, readObject } from './model-json.ts';
import { type GroupModel, type ReliabilityBand, UNREACHABLE_RISK } from './trained-model.ts';

/** What operator verdicts say of a group, as both the metadata and the scaler file hold it. */
export type Reviewed = Pick<GroupModel, 'verdicts' | 'reliability' | 'leastHighRisk'>;

const HIGHEST_RISK = 100;

/** @throws AutoblockError MODEL_INVALID naming the field */
export function readReviewed(fields: Fields, where: string): Reviewed {
  const verdicts = readObject(fields['verdicts'], `${where}.verdicts`);
  return {
    verdicts: {
      attacks: readCount(verdicts['attacks'], `${where}.verdicts.attacks`),
      benign: readCount(verdicts['benign'], `${where}.verdicts.benign`),
    },
    reliability: readReliability(fields['reliability'], `${where}.reliability`),
    leastHighRisk: readLeastHighRisk(fields['leastHighRisk'], `${where}.leastHighRisk`),
  };
}

/** The bands follow each other without a gap and cover every risk. */
function readReliability(value: unknown, where: string): ReliabilityBand[] {
  const bands = readList(value, where).map((band, index) => readBand(band, `${where}[${index}]`));
  let reached = 0;
  for (const [index, band] of bands.entries()) {
    if (band.from !== reached)
      throw invalid(`${where}[${index}].from`, `expected ${reached}, where the band before it ends`);
    reached = band.to;
  }
  if (reached !== HIGHEST_RISK) throw invalid(where, `ends at risk ${reached}, expected ${HIGHEST_RISK}`);
  return bands;
}

function readBand(value: unknown, where: string): ReliabilityBand {
  const fields = readObject(value, where);
  const from = readNumber(fields['from'], { where: `${where}.from`, min: 0, max: HIGHEST_RISK });
  const to = readNumber(fields['to'], { where: `${where}.to`, min: 0, max: HIGHEST_RISK });
  if (to <= from) throw invalid(`${where}.to`, `expected more than ${from}`);
  const reviewed = readCount(fields['reviewed'], `${where}.reviewed`);
  const attacks = readCount(fields['attacks'], `${where}.attacks`);
  if (attacks > reviewed) throw invalid(`${where}.attacks`, `${attacks} of ${reviewed} reviewed`);
  return { from, to, reviewed, attacks };
}

function readLeastHighRisk(value: unknown, where: string): number {
  if (value === UNREACHABLE_RISK) return value;
  return readNumber(value, { where, min: 0, max: HIGHEST_RISK });
}
