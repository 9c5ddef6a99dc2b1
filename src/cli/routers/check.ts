import type { Workplace } from '../../daemon/workplace.ts';
import { ownMark } from '../../decisions/address-list-entry.ts';
import { EXIT } from '../../errors.ts';
import type { Finding } from '../../router-check/finding.ts';
import { collectProtected } from '../../routers/protected-addresses.ts';
import { readMenus } from '../../routers/router-snapshot.ts';
import { type RouterCheckResult, type RouterToCheck, runRouterCheck } from '../../runs/router-check-run.ts';
import type { Invocation } from '../command.ts';
import { oneLine } from '../tables.ts';
import { type ChosenRouter, checkedRouter, chosenRouters } from './chosen-routers.ts';

/** The doctor. Exit code 0 when nothing is wrong, 1 when an error was found, 3 when a router could not be asked. */
export async function checkRouters(
  invocation: Invocation,
  workplace: Workplace,
  names: readonly string[],
): Promise<number> {
  const results = await runRouterCheck({
    routers: chosenRouters(workplace, names).map(toCheck),
    protectionWith: (told) => workplace.site.currentWith(told),
    ownMark: ownMark(workplace.ledger.id),
    nowMs: workplace.nowMs,
  });
  invocation.output.out(
    invocation.flag('json') ? JSON.stringify({ routers: results }) : results.map(asText).join('\n\n'),
  );
  if (results.some(({ answered }) => !answered)) return EXIT.unavailable;
  return results.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
}

function toCheck({ config, connection }: ChosenRouter): RouterToCheck {
  return {
    router: checkedRouter(config),
    entries: () => connection.read(),
    menus: () => readMenus((menu, options) => connection.print(menu, options)),
    protectedAddresses: (onUnread) =>
      collectProtected((menu, options) => connection.print(menu, options), { onUnread }),
  };
}

const SIGN: Record<Finding['level'], string> = { ok: '  ok   ', warn: '  WARN ', error: '  ERROR' };

function asText({ router, level, findings }: RouterCheckResult): string {
  return [`${router}: ${level}`, ...findings.flatMap(findingLines)].join('\n');
}

function findingLines({ check, level, message, commands }: Finding): string[] {
  return [
    `${SIGN[level]} ${check}: ${oneLine(message)}`,
    ...commands.map((command) => `          ${command}`),
  ];
}
