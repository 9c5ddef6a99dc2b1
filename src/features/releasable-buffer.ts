/**
 * Memory that is given back at once, not when the garbage collector gets round to it. A plain ArrayBuffer of the
 * size used here lingers for seconds after its last use, and folding a million records then peaks at twice what it
 * needs. A resizable one (ES2024, in Node since 20) returns its pages to the system on `resize(0)`.
 */
export interface ReleasableBuffer extends ArrayBuffer {
  resize(byteLength: number): void;
}

/** The library types of ES2023, which the supported Node versions implement fully, do not know the option yet. */
const ResizableArrayBuffer = ArrayBuffer as unknown as new (
  byteLength: number,
  options: { readonly maxByteLength: number },
) => ReleasableBuffer;

/** Zeroed memory. Typed arrays over it read undefined once it is released. */
export function allocateReleasable(byteLength: number): ReleasableBuffer {
  return new ResizableArrayBuffer(byteLength, { maxByteLength: byteLength });
}

export function release(buffer: ReleasableBuffer): void {
  buffer.resize(0);
}
