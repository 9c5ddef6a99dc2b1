import { consoleValue, shellWord } from './command-text.ts';
import { error, type Finding, ok, warn } from './finding.ts';
import {
  type CheckedRouter,
  isSet,
  type MenuRow,
  type RouterSnapshot,
  refusalOf,
  rowsOf,
  sessionAddress,
} from './router-snapshot.ts';

/** What the API user needs (manual, "User", policies), and nothing else. */
const NEEDED = ['api', 'read', 'write'];

/** Where the way to the router is too open or too narrow. */
export function checkAccess(router: CheckedRouter, snapshot: RouterSnapshot): Finding[] {
  return [
    checkTls(router),
    checkPolicies(router, snapshot),
    checkUserAddress(router, snapshot),
    ...checkServices(router, snapshot),
  ];
}

function checkTls(router: CheckedRouter): Finding {
  const { tls, host, name } = router;
  if (tls === 'verified')
    return ok('tls', 'api-ssl, the certificate is verified before the password is sent');
  const message =
    tls === 'plain'
      ? 'the API is reached without TLS: the password crosses the network in plain text'
      : 'whoever sits between may pose as this router: its certificate is not verified';
  return warn('tls', message, certificateCommands({ host, name }));
}

/** A certificate of the router's own making, to be pinned by its fingerprint. */
export function certificateCommands({ host, name }: { host: string; name: string }): string[] {
  const alternative = /^[\d.]+$|:/.test(host) ? `IP:${host}` : `DNS:${host}`;
  return [
    '/certificate add name=autoblock-ca common-name=autoblock-ca key-usage=key-cert-sign,crl-sign days-valid=3650',
    '/certificate sign autoblock-ca',
    `/certificate add name=autoblock-api common-name=${consoleValue(host)} subject-alt-name=${consoleValue(alternative)} days-valid=3650`,
    '/certificate sign autoblock-api ca=autoblock-ca',
    '/ip service set api-ssl certificate=autoblock-api disabled=no',
    `autoblock routers fingerprint ${shellWord(name)}`,
  ];
}

function userRow({ user }: CheckedRouter, snapshot: RouterSnapshot): MenuRow | undefined {
  return rowsOf(snapshot, '/user').find((row) => row['name'] === user);
}

function checkPolicies(router: CheckedRouter, snapshot: RouterSnapshot): Finding {
  const check = 'policies';
  const refused = refusalOf(snapshot, '/user') ?? refusalOf(snapshot, '/user/group');
  if (refused !== null) return warn(check, `the rights of user "${router.user}" cannot be read: ${refused}`);
  const groupName = userRow(router, snapshot)?.['group'];
  const group = rowsOf(snapshot, '/user/group').find((row) => row['name'] === groupName);
  if (group === undefined) {
    return warn(
      check,
      `user "${router.user}" is not among the router's own users (RADIUS?): its rights are not known`,
    );
  }
  const granted = (group['policy'] ?? '')
    .split(',')
    .filter((policy) => policy !== '' && !policy.startsWith('!'));
  const missing = NEEDED.filter((policy) => !granted.includes(policy));
  const needless = granted.filter((policy) => !NEEDED.includes(policy));
  const commands = leastRights(router.user, snapshot);
  if (missing.length > 0) {
    return error(
      check,
      `group "${groupName ?? ''}" of user "${router.user}" lacks ${missing.join(', ')}`,
      commands,
    );
  }
  if (needless.length > 0) {
    const message = `user "${router.user}" may do more than it needs (${NEEDED.join(', ')}): ${needless.join(', ')}`;
    return warn(check, message, commands);
  }
  return ok(check, `user "${router.user}" has ${NEEDED.join(', ')} and nothing else`);
}

/** A group of its own: the one it is in may be somebody else's too, such as `full`. */
function leastRights(user: string, snapshot: RouterSnapshot): string[] {
  const exists = rowsOf(snapshot, '/user/group').some((row) => row['name'] === 'autoblock');
  const verb = exists ? 'set autoblock' : 'add name=autoblock';
  return [
    `/user group ${verb} policy=${NEEDED.join(',')}`,
    `/user set ${consoleValue(user)} group=autoblock`,
  ];
}

function checkUserAddress(router: CheckedRouter, snapshot: RouterSnapshot): Finding {
  const check = 'user-address';
  const row = userRow(router, snapshot);
  if (row === undefined) return ok(check, 'not known to this router');
  if (isRestricted(row['address']))
    return ok(check, `user "${router.user}" may log in from ${row['address'] ?? ''}`);
  const from = sessionAddress(snapshot, router.user);
  return warn(
    check,
    `user "${router.user}" may log in from anywhere`,
    from === null ? [] : [`/user set ${consoleValue(router.user)} address=${from}`],
  );
}

function isRestricted(address: string | undefined): boolean {
  return address !== undefined && address !== '' && !/(^|,)(0\.0\.0\.0\/0|::\/0)(,|$)/.test(address);
}

function checkServices(router: CheckedRouter, snapshot: RouterSnapshot): Finding[] {
  const refused = refusalOf(snapshot, '/ip/service');
  if (refused !== null) return [warn('services', `/ip service cannot be read: ${refused}`)];
  // Since 7.16 sessions are listed there too, as dynamic rows.
  const open = rowsOf(snapshot, '/ip/service').filter(
    (row) => !isSet(row, 'disabled') && !isSet(row, 'dynamic'),
  );
  return [checkServiceAddress({ router, snapshot, open }), checkPlainServices(router, open)];
}

function checkServiceAddress({
  router,
  snapshot,
  open,
}: {
  router: CheckedRouter;
  snapshot: RouterSnapshot;
  open: readonly MenuRow[];
}): Finding {
  const check = 'service-address';
  const used = router.tls === 'plain' ? 'api' : 'api-ssl';
  const service = open.find((row) => row['name'] === used);
  if (service === undefined) return ok(check, `no service ${used} to be read (a port is forwarded?)`);
  if (isRestricted(service['address'])) return ok(check, `${used} answers ${service['address'] ?? ''} only`);
  const from = sessionAddress(snapshot, router.user);
  return warn(
    check,
    `${used} answers anybody`,
    from === null ? [] : [`/ip service set ${used} address=${from}`],
  );
}

function checkPlainServices({ tls }: CheckedRouter, open: readonly MenuRow[]): Finding {
  // While we come in by it ourselves, closing it is the second step: the finding on TLS tells the first.
  const plain = ['telnet', 'ftp', ...(tls === 'plain' ? [] : ['api'])];
  const found = open.map((row) => row['name'] ?? '').filter((name) => plain.includes(name));
  if (found.length === 0) return ok('plain-services', 'no telnet, ftp or plain api beside what is used');
  return warn(
    'plain-services',
    `open without encryption: ${found.join(', ')}`,
    found.map((name) => `/ip service set ${name} disabled=yes`),
  );
}
