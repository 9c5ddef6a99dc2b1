import { durationText, oneLine, renderTable, timeText } from '../tables.ts';
import { conditionText, type RouterFacts } from './router-condition.ts';

interface RouterLine extends RouterFacts {
  readonly name: string;
  readonly removalHeld: boolean;
  readonly state:
    | (NonNullable<RouterFacts['state']> & {
        readonly entries: number;
        readonly error: string | null;
        readonly version: string | null;
        readonly uptimeSeconds: number | null;
        readonly rebootedAtMs: number | null;
        readonly reprotectedMs: number | null;
      })
    | null;
}

const HEAD = ['ROUTER', 'STATE', 'LAST GOOD SYNC', 'ENTRIES', 'VERSION', 'UPTIME', 'LAST REBOOT', 'ERROR'];

export function routerTable(routers: readonly RouterLine[]): string {
  const rows = routers.map((router) => {
    const { state } = router;
    const held = router.removalHeld ? '; a mass removal is held back' : '';
    return [
      router.name,
      `${conditionText(router)}${held}`,
      timeText(state?.succeededAtMs ?? null),
      state?.entries ?? null,
      state?.version ?? null,
      uptimeText(state?.uptimeSeconds ?? null),
      rebootText(state),
      state?.error == null ? null : oneLine(state.error),
    ];
  });
  return renderTable(HEAD, rows);
}

function uptimeText(seconds: number | null): string | null {
  return seconds === null ? null : durationText(seconds * 1000);
}

/** The holes a reboot tears are what an operator asks for afterwards: how long were we without our entries? */
function rebootText(state: RouterLine['state']): string | null {
  if (state === null || state.rebootedAtMs === null) return null;
  const again =
    state.reprotectedMs === null
      ? ', not yet re-protected'
      : `, re-protected in ${(state.reprotectedMs / 1000).toFixed(1)} s`;
  return `${timeText(state.rebootedAtMs)}${again}`;
}
