import { AutoblockError } from '../errors.ts';
import type { GradientBoostedTrees } from './gradient-boosted-trees.ts';
import { LONGEST_STEP } from './split-search.ts';

/**
 * Boosted trees as bytes, everything little-endian:
 *
 *   0  8 bytes  magic "AB-GBT" and two zero bytes
 *   8  uint32   format version, 1
 *  12  uint32   columnCount
 *  16  uint32   tree count t
 *  20  uint32   branch count b
 *  24  uint32   leaf count l
 *  28  uint32   zero
 *  32  float64  bias
 *  40  int32[t] roots, int32[2b] children, int32[b] feature, float64[b] threshold, float64[l] leafValues
 *
 * Decoding believes nothing: what passes is a model whose walks end, so a damaged file can be refused but never hang or
 * crash the scorer. Silent changes of a number are for the checksum beside the file to find.
 */
const MAGIC = [0x41, 0x42, 0x2d, 0x47, 0x42, 0x54, 0, 0];
const FORMAT_VERSION = 1;
const BIAS_AT = 32;
const HEADER_BYTES = 40;

/** Far more than there are features: a damaged number must not become the size of the rows that are asked about. */
const MOST_COLUMNS = 65_536;

interface Header {
  readonly columnCount: number;
  readonly treeCount: number;
  readonly branchCount: number;
  readonly leafCount: number;
}

export function encodeBoostedTrees(model: GradientBoostedTrees): Uint8Array {
  const header = {
    columnCount: model.columnCount,
    treeCount: model.roots.length,
    branchCount: model.feature.length,
    leafCount: model.leafValues.length,
  };
  const view = new DataView(new ArrayBuffer(byteLength(header)));
  MAGIC.forEach((byte, i) => view.setUint8(i, byte));
  [FORMAT_VERSION, header.columnCount, header.treeCount, header.branchCount, header.leafCount].forEach(
    (word, i) => view.setUint32(MAGIC.length + 4 * i, word, true),
  );
  view.setFloat64(BIAS_AT, model.bias, true);
  let at = HEADER_BYTES;
  for (const codes of [model.roots, model.children, model.feature])
    for (const code of codes) {
      view.setInt32(at, code, true);
      at += 4;
    }
  for (const values of [model.threshold, model.leafValues])
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  return new Uint8Array(view.buffer);
}

/**
 * Reads what encodeBoostedTrees wrote, the same to the last bit. Throws AutoblockError MODEL_INVALID, naming what was
 * found and what was wanted, on anything else.
 */
export function decodeBoostedTrees(bytes: Uint8Array): GradientBoostedTrees {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { columnCount, treeCount, branchCount, leafCount } = readHeader(view);
  const childrenAt = HEADER_BYTES + 4 * treeCount;
  const featureAt = childrenAt + 8 * branchCount;
  const thresholdAt = featureAt + 4 * branchCount;
  const model = {
    columnCount,
    bias: view.getFloat64(BIAS_AT, true),
    roots: readCodes(view, HEADER_BYTES, treeCount),
    feature: readCodes(view, featureAt, branchCount),
    threshold: readFloats(view, thresholdAt, branchCount),
    children: readCodes(view, childrenAt, 2 * branchCount),
    leafValues: readFloats(view, thresholdAt + 8 * branchCount, leafCount),
  };
  checkNumbers(model);
  checkTrees(model);
  return model;
}

function byteLength({ treeCount, branchCount, leafCount }: Header): number {
  return HEADER_BYTES + 4 * treeCount + 20 * branchCount + 8 * leafCount;
}

function readHeader(view: DataView): Header {
  if (view.byteLength < HEADER_BYTES)
    throw invalid(`is ${view.byteLength} bytes long, a header alone is ${HEADER_BYTES}`);
  if (MAGIC.some((byte, i) => view.getUint8(i) !== byte))
    throw invalid('does not begin with the mark "AB-GBT" of a boosted trees file');
  const word = (index: number): number => view.getUint32(MAGIC.length + 4 * index, true);
  if (word(0) !== FORMAT_VERSION)
    throw invalid(`has format version ${word(0)}, this program reads version ${FORMAT_VERSION}`);
  const header = { columnCount: word(1), treeCount: word(2), branchCount: word(3), leafCount: word(4) };
  const { columnCount, treeCount, branchCount, leafCount } = header;
  if (columnCount < 1 || columnCount > MOST_COLUMNS)
    throw invalid(`has columnCount ${columnCount}, wanted 1 to ${MOST_COLUMNS}`);
  if (leafCount !== branchCount + treeCount)
    throw invalid(
      `has ${leafCount} leaves, ${branchCount} branches in ${treeCount} trees have ${branchCount + treeCount}`,
    );
  if (word(5) !== 0) throw invalid(`has ${word(5)} in a header field that must be 0`);
  // Before any array is made: a length read from a damaged file must not become an allocation of its size.
  if (byteLength(header) !== view.byteLength)
    throw invalid(`is ${view.byteLength} bytes long, its header asks for ${byteLength(header)}`);
  return header;
}

function readCodes(view: DataView, from: number, length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => view.getInt32(from + 4 * i, true));
}

function readFloats(view: DataView, from: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => view.getFloat64(from + 8 * i, true));
}

function checkNumbers(model: GradientBoostedTrees): void {
  if (!Number.isFinite(model.bias)) throw invalid(`has the bias ${model.bias}, it must be a finite number`);
  for (const name of ['threshold', 'leafValues'] as const) {
    const bad = model[name].findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw invalid(`has ${model[name][bad]!} at ${name}[${bad}], it must be a finite number`);
  }
  // Beyond it no tree was ever grown, and a sum of such values could overflow into something that is no number.
  const wild = model.leafValues.findIndex((value) => Math.abs(value) > LONGEST_STEP);
  if (wild >= 0)
    throw invalid(
      `has ${model.leafValues[wild]!} at leafValues[${wild}], wanted -${LONGEST_STEP}..${LONGEST_STEP}`,
    );
  const bad = model.feature.findIndex((column) => column < 0 || column >= model.columnCount);
  if (bad >= 0)
    throw invalid(`asks column ${model.feature[bad]!} at branch ${bad}, wanted 0..${model.columnCount - 1}`);
}

/** Every branch and every leaf is the child of exactly one root or earlier branch, so every walk moves on and ends. */
function checkTrees({ roots, children, feature, leafValues }: GradientBoostedTrees): void {
  const branchTaken = new Uint8Array(feature.length);
  const leafTaken = new Uint8Array(leafValues.length);
  const claim = ({ code, parent, place }: { code: number; parent: number; place: string }): void => {
    if (code >= 0 ? code >= feature.length || code <= parent : ~code >= leafValues.length)
      throw invalid(
        `points to ${code} at ${place}, wanted ${parent + 1}..${feature.length - 1} or -${leafValues.length}..-1`,
      );
    const [taken, index] = code >= 0 ? [branchTaken, code] : [leafTaken, ~code];
    if (taken[index] !== 0) throw invalid(`points to ${code} at ${place}, which already has a parent`);
    taken[index] = 1;
  };
  roots.forEach((code, tree) => claim({ code, parent: -1, place: `root ${tree}` }));
  children.forEach((code, at) => claim({ code, parent: at >> 1, place: `children[${at}]` }));
  // As many codes as branches and leaves, none of them twice: none is left without a parent.
}

function invalid(found: string): AutoblockError {
  return new AutoblockError('MODEL_INVALID', `The boosted trees file ${found}.`);
}
