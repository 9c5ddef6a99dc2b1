import { type MenuReading, type RouterSnapshot, SNAPSHOT_MENUS } from '../router-check/router-snapshot.ts';
import type { PrintMenu } from './protected-addresses.ts';
import { RouterRefusedError } from './router-answers.ts';

/** Columns to ask for; menus that are not here are printed whole, because a firewall rule may have any condition. */
const PROPERTIES: Partial<Record<(typeof SNAPSHOT_MENUS)[number], readonly string[]>> = {
  '/user': ['name', 'group', 'address', 'disabled'],
  '/user/group': ['name', 'policy'],
};

/** Reads every menu the doctor looks at, side by side. A refused one is told in its place; a lost connection rejects. */
export async function readMenus(print: PrintMenu): Promise<RouterSnapshot['menus']> {
  const readings = await Promise.all(
    SNAPSHOT_MENUS.map(async (menu): Promise<[string, MenuReading]> => {
      const properties = PROPERTIES[menu];
      return [menu, await readMenu(() => print(menu, properties === undefined ? {} : { properties }))];
    }),
  );
  return Object.fromEntries(readings) as RouterSnapshot['menus'];
}

async function readMenu(
  read: () => Promise<readonly Readonly<Record<string, string>>[] | null>,
): Promise<MenuReading> {
  try {
    return { rows: await read() };
  } catch (thrown) {
    if (!(thrown instanceof RouterRefusedError)) throw thrown;
    return { rows: null, refused: thrown.routerMessage };
  }
}
