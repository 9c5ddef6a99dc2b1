import { AutoblockError, messageOf } from '../errors.ts';
import { invalid } from './model-json.ts';
import {
  type GroupModel,
  type ScaleModel,
  SOURCE_GROUPS,
  type SourceGroup,
  TIME_SCALES,
  type TimeScale,
  type TrainedModel,
} from './trained-model.ts';

/** One value per group and time scale, as far as they were learnt. */
export type ScaleParts<Part> = Partial<Record<SourceGroup, Partial<Record<TimeScale, Part>>>>;

/** Order of the parts in a binary file. */
const SLOTS = SOURCE_GROUPS.flatMap((group) => TIME_SCALES.map((scale) => ({ group, scale })));

/** Per slot the length of its part in bytes, 0 where there is none; little-endian uint32. The parts follow. */
const HEADER_BYTES = 4 * SLOTS.length;

export function learntGroups(model: TrainedModel): readonly GroupModel[] {
  return SOURCE_GROUPS.flatMap((group) => model.groups[group] ?? []);
}

/** One file of the encoded parts of all groups and scales. The same model gives the same bytes. */
export function encodeParts(model: TrainedModel, encode: (scale: ScaleModel) => Uint8Array): Uint8Array {
  const encoded = SLOTS.map(({ group, scale }) => {
    const fitted = model.groups[group]?.[scale] ?? null;
    return fitted === null ? new Uint8Array(0) : encode(fitted);
  });
  const bytes = new Uint8Array(HEADER_BYTES + encoded.reduce((sum, part) => sum + part.length, 0));
  const header = new DataView(bytes.buffer);
  let offset = HEADER_BYTES;
  encoded.forEach((part, slot) => {
    header.setUint32(4 * slot, part.length, true);
    bytes.set(part, offset);
    offset += part.length;
  });
  return bytes;
}

/**
 * @param file name of the file, for messages
 * @param decode throws AutoblockError on a part it cannot read
 * @throws AutoblockError MODEL_INVALID naming the file, group and scale
 */
export function decodeParts<Part>(
  bytes: Uint8Array,
  { file, decode }: { readonly file: string; readonly decode: (bytes: Uint8Array) => Part },
): ScaleParts<Part> {
  if (bytes.length < HEADER_BYTES) throw invalid(file, `only ${bytes.length} bytes`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const parts: ScaleParts<Part> = {};
  let offset = HEADER_BYTES;
  for (const [slot, { group, scale }] of SLOTS.entries()) {
    const where = `${file}.${group}.${scale}`;
    const length = header.getUint32(4 * slot, true);
    if (length > bytes.length - offset) throw invalid(where, 'cut off');
    if (length > 0) {
      const part = decodePart(bytes.subarray(offset, offset + length), { where, decode });
      parts[group] = { ...parts[group], [scale]: part };
    }
    offset += length;
  }
  if (offset !== bytes.length) throw invalid(file, `${bytes.length - offset} bytes too many`);
  return parts;
}

function decodePart<Part>(
  bytes: Uint8Array,
  { where, decode }: { readonly where: string; readonly decode: (bytes: Uint8Array) => Part },
): Part {
  try {
    return decode(bytes);
  } catch (cause) {
    // The codec knows what is wrong, but not which of the parts it was given.
    if (!(cause instanceof AutoblockError)) throw cause;
    throw new AutoblockError(cause.code, `${where}: ${messageOf(cause)}`, { cause });
  }
}
