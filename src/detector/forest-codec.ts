import { AutoblockError } from '../errors.ts';
import type { ExtendedIsolationForest } from './extended-isolation-forest.ts';
import { countBranchRows, measurePaths } from './forest-paths.ts';

/**
 * A forest as bytes, everything little-endian:
 *
 *   0  8 bytes  magic "AB-EIF" and two zero bytes
 *   8  uint32   format version, 2
 *  12  uint32   dimensions d
 *  16  uint32   treeCount t
 *  20  uint32   sampleSize
 *  24  uint32   extensionLevel
 *  28  uint32   branch count b
 *  32  uint32   leaf count l
 *  36  uint32   zero
 *  40  int32[t] roots, int32[2b] children, float64[b * d] normals, float64[b] offsets, uint32[l] leaf sizes
 *
 * Path lengths follow from the sizes and are not stored (version 1 stored them instead of the sizes).
 * Decoding believes nothing: what passes is a forest whose trees end, so a damaged file can be refused but never hang
 * or crash the scorer. Silent changes of a number are for the checksum beside the file to find.
 */
const MAGIC = [0x41, 0x42, 0x2d, 0x45, 0x49, 0x46, 0, 0];
const FORMAT_VERSION = 2;
const HEADER_BYTES = 40;

interface Header {
  readonly dimensions: number;
  readonly treeCount: number;
  readonly sampleSize: number;
  readonly extensionLevel: number;
  readonly branchCount: number;
  readonly leafCount: number;
}

export function encodeForest(forest: ExtendedIsolationForest): Uint8Array {
  const header = headerOf(forest);
  const view = new DataView(new ArrayBuffer(byteLength(header)));
  MAGIC.forEach((byte, i) => view.setUint8(i, byte));
  const { dimensions, treeCount, sampleSize, extensionLevel, branchCount, leafCount } = header;
  [FORMAT_VERSION, dimensions, treeCount, sampleSize, extensionLevel, branchCount, leafCount].forEach(
    (word, i) => view.setUint32(MAGIC.length + 4 * i, word, true),
  );
  let at = HEADER_BYTES;
  for (const codes of [forest.roots, forest.children])
    for (const code of codes) {
      view.setInt32(at, code, true);
      at += 4;
    }
  for (const values of [forest.normals, forest.offsets])
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  for (const size of forest.leafSizes) {
    view.setUint32(at, size, true);
    at += 4;
  }
  return new Uint8Array(view.buffer);
}

/**
 * Reads what encodeForest wrote, the same to the last bit. Throws AutoblockError MODEL_INVALID, naming what was found
 * and what was wanted, on anything else.
 */
export function decodeForest(bytes: Uint8Array): ExtendedIsolationForest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(view);
  const { dimensions, treeCount, sampleSize, extensionLevel, branchCount, leafCount } = header;
  const childrenAt = HEADER_BYTES + 4 * treeCount;
  const normalsAt = childrenAt + 8 * branchCount;
  const offsetsAt = normalsAt + 8 * branchCount * dimensions;
  const leavesAt = offsetsAt + 8 * branchCount;
  const trees = {
    dimensions,
    treeCount,
    sampleSize,
    extensionLevel,
    roots: Int32Array.from({ length: treeCount }, (_, i) => view.getInt32(HEADER_BYTES + 4 * i, true)),
    children: Int32Array.from({ length: 2 * branchCount }, (_, i) => view.getInt32(childrenAt + 4 * i, true)),
    normals: readFloats(view, normalsAt, branchCount * dimensions),
    offsets: readFloats(view, offsetsAt, branchCount),
    leafSizes: Uint32Array.from({ length: leafCount }, (_, i) => view.getUint32(leavesAt + 4 * i, true)),
  };
  checkNumbers(trees);
  checkTrees(trees);
  checkSizes(trees);
  return { ...trees, ...measurePaths(trees) };
}

/** What the file holds of a forest. */
type StoredForest = Omit<ExtendedIsolationForest, 'leafPathLengths' | 'branchPathLengths'>;

function headerOf(forest: ExtendedIsolationForest): Header {
  const { dimensions, treeCount, sampleSize, extensionLevel } = forest;
  const branchCount = forest.offsets.length;
  const leafCount = forest.leafSizes.length;
  return { dimensions, treeCount, sampleSize, extensionLevel, branchCount, leafCount };
}

function byteLength({ dimensions, treeCount, branchCount, leafCount }: Header): number {
  return HEADER_BYTES + 4 * (treeCount + 2 * branchCount + leafCount) + 8 * branchCount * (dimensions + 1);
}

function readHeader(view: DataView): Header {
  if (view.byteLength < HEADER_BYTES)
    throw invalid(`is ${view.byteLength} bytes long, a header alone is ${HEADER_BYTES}`);
  if (MAGIC.some((byte, i) => view.getUint8(i) !== byte))
    throw invalid('does not begin with the mark "AB-EIF" of a forest file');
  const word = (index: number): number => view.getUint32(MAGIC.length + 4 * index, true);
  if (word(0) !== FORMAT_VERSION)
    throw invalid(`has format version ${word(0)}, this program reads version ${FORMAT_VERSION}`);
  const header = {
    dimensions: word(1),
    treeCount: word(2),
    sampleSize: word(3),
    extensionLevel: word(4),
    branchCount: word(5),
    leafCount: word(6),
  };
  checkHeader(header, word(7));
  // Before any array is made: a length read from a damaged file must not become an allocation of its size.
  if (byteLength(header) !== view.byteLength)
    throw invalid(`is ${view.byteLength} bytes long, its header asks for ${byteLength(header)}`);
  return header;
}

function checkHeader(header: Header, reserved: number): void {
  const { dimensions, treeCount, sampleSize, extensionLevel, branchCount, leafCount } = header;
  for (const [name, value] of Object.entries({ dimensions, treeCount, sampleSize }))
    if (value < 1) throw invalid(`has ${name} ${value}, it must be 1 or more`);
  if (extensionLevel >= dimensions)
    throw invalid(`has extension level ${extensionLevel}, it must be below its ${dimensions} dimensions`);
  if (leafCount !== branchCount + treeCount)
    throw invalid(
      `has ${leafCount} leaves, ${branchCount} branches in ${treeCount} trees have ${branchCount + treeCount}`,
    );
  if (reserved !== 0) throw invalid(`has ${reserved} in a header field that must be 0`);
}

function readFloats(view: DataView, from: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => view.getFloat64(from + 8 * i, true));
}

function checkNumbers(forest: StoredForest): void {
  for (const name of ['normals', 'offsets'] as const) {
    const bad = forest[name].findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw invalid(`has ${forest[name][bad]!} at ${name}[${bad}], it must be a finite number`);
  }
}

/** Every branch and leaf is the child of exactly one parent before it, and no tree is deeper than its samples allow. */
function checkTrees(forest: StoredForest): void {
  const { roots, children, sampleSize, leafSizes } = forest;
  const branchCount = forest.offsets.length;
  const depth = new Int32Array(branchCount);
  const leafUsed = new Uint8Array(leafSizes.length);
  const heightLimit = sampleSize <= 1 ? 0 : 32 - Math.clz32(sampleSize - 1);
  const claim = (child: { code: number; parent: number; depth: number; place: string }): void => {
    const { code, parent, place } = child;
    const taken = code >= 0 ? depth[code] !== 0 : leafUsed[~code] !== 0;
    if (code >= 0 ? code >= branchCount || code <= parent : ~code >= leafUsed.length)
      throw invalid(
        `points to ${code} at ${place}, wanted ${parent + 1}..${branchCount - 1} or -${leafUsed.length}..-1`,
      );
    if (taken) throw invalid(`points to ${code} at ${place}, which already has a parent`);
    if (code < 0 && leafSizes[~code]! > 1 && child.depth <= heightLimit)
      throw invalid(
        `has ${leafSizes[~code]!} rows in leaf ${~code}, above the ${heightLimit} levels where splitting ends`,
      );
    if (code < 0) leafUsed[~code] = 1;
    else if (child.depth > heightLimit)
      throw invalid(`has a branch deeper than the ${heightLimit} levels of ${sampleSize} sample rows`);
    else depth[code] = child.depth;
  };
  roots.forEach((code, tree) => claim({ code, parent: -1, depth: 1, place: `root ${tree}` }));
  for (let branch = 0; branch < branchCount; branch += 1) {
    if (depth[branch] === 0) throw invalid(`has branch ${branch} without a parent`);
    for (const place of [2 * branch, 2 * branch + 1])
      claim({
        code: children[place]!,
        parent: branch,
        depth: depth[branch]! + 1,
        place: `children[${place}]`,
      });
  }
}

/** Each tree was grown from sampleSize rows, and only two rows or more are split. */
function checkSizes({ roots, children, leafSizes, sampleSize }: StoredForest): void {
  const branchRows = countBranchRows(children, leafSizes);
  const unsplit = branchRows.findIndex((rows) => rows < 2);
  if (unsplit >= 0)
    throw invalid(`has ${branchRows[unsplit]!} rows in branch ${unsplit}, splitting takes at least 2`);
  roots.forEach((code, tree) => {
    const rows = code >= 0 ? branchRows[code]! : leafSizes[~code]!;
    if (rows !== sampleSize) throw invalid(`has ${rows} rows in tree ${tree}, wanted ${sampleSize}`);
  });
}

function invalid(found: string): AutoblockError {
  return new AutoblockError('MODEL_INVALID', `The forest file ${found}.`);
}
