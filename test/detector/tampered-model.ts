import { expect } from 'vitest';
import { decodeModel, encodeModel } from '../../src/detector/model-files.ts';
import type { GroupModel, ModelFiles } from '../../src/detector/trained-model.ts';
import { AutoblockError } from '../../src/errors.ts';
import { handMadeModel } from './hand-made-model.ts';

export const { files, metadata } = encodeModel(handMadeModel);

/** The value with one field of it changed; undefined leaves the field out. Path: keys and positions, dots between. */
export function edited(value: unknown, path: string, replacement: unknown): unknown {
  const copy = structuredClone(value);
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((at, key) => Reflect.get(at, key) as object, copy as object);
  expect(Reflect.has(parent, last)).toBe(true);
  Reflect.set(parent, last, replacement);
  return copy;
}

export function editedFile(bytes: Uint8Array, path: string, replacement: unknown): Uint8Array {
  const content: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return new TextEncoder().encode(JSON.stringify(edited(content, path, replacement)));
}

/** What is changed, where, to what, and what the refusal says. */
export type Tampering = [name: string, path: string, replacement: unknown, words: string];

/** The message of MODEL_INVALID for the hand-made model with some files, or the metadata, changed. */
export function refusal(changed: Partial<ModelFiles>, changedMetadata: unknown = metadata): string {
  try {
    decodeModel({ ...files, ...changed }, changedMetadata);
  } catch (error) {
    if (!(error instanceof AutoblockError)) throw error;
    expect(error.code).toBe('MODEL_INVALID');
    return error.message;
  }
  return expect.unreachable('a tampered model was accepted');
}

/** The files of a model in which one group was changed, beside the metadata of the unchanged one. */
export function filesWith(group: 'internal' | 'external', change: Partial<GroupModel>): ModelFiles {
  const groups = { ...handMadeModel.groups, [group]: { ...handMadeModel.groups[group]!, ...change } };
  return encodeModel({ ...handMadeModel, groups }).files;
}
