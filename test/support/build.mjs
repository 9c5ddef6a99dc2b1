import { prepare } from '../../scripts/bootstrap.mjs';

/** Tests that start real processes run `dist`: it is brought up to date once, before any of them. */
export async function setup() {
  await prepare();
}
