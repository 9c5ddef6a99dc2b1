import type { Protection } from '../decisions/protected-networks.ts';
import { certificateCommands, checkAccess } from './access-checks.ts';
import { shellWord } from './command-text.ts';
import { error, type Finding, ok } from './finding.ts';
import { checkLists } from './list-checks.ts';
import type { CheckedRouter, RouterSnapshot } from './router-snapshot.ts';
import { checkDropRules } from './rule-checks.ts';
import { checkSystem } from './system-checks.ts';

/** Everything there is to say about a router that answered, in the order an operator would look. */
export function checkRouter(
  router: CheckedRouter,
  snapshot: RouterSnapshot,
  site: { readonly protection: Protection; readonly ownMark: string },
): Finding[] {
  return [
    ok('reachable', `logged in to ${router.host} port ${router.port} as "${router.user}"`),
    ...checkAccess(router, snapshot),
    ...checkSystem(snapshot),
    ...checkLists(router, snapshot, site),
    ...checkDropRules(router, snapshot),
  ];
}

/** What a failed attempt to read a router means, by the code of the error. */
export function unreachableFinding(
  router: CheckedRouter,
  failure: { readonly code: string; readonly message: string; readonly whatToDo: string },
): Finding {
  const message = `${failure.message}. ${failure.whatToDo}`;
  const service = router.tls === 'plain' ? 'api' : 'api-ssl';
  switch (failure.code) {
    case 'ROUTER_LOGIN_FAILED':
      return error('login', message, [
        '/user print',
        '/user group print',
        '/log print where topics~"account"',
      ]);
    case 'ROUTER_TLS':
      return error('tls', message, [
        `autoblock routers fingerprint ${shellWord(router.name)}`,
        ...certificateCommands(router),
      ]);
    case 'ROUTER_REFUSED':
      return error('policies', message, ['/user group print']);
    default:
      return error('reachable', message, [
        `/ip service print where name=${service}`,
        `/ip service set ${service} disabled=no port=${router.port}`,
      ]);
  }
}
