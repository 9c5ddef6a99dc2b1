import { isAtLeast } from './router-version.ts';

/** All policies of a user group, in the order RouterOS prints them [manual, "User"]. */
function allPolicies(version: string): string[] {
  const common =
    'local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon';
  return [...common.split(','), ...(isAtLeast(version, [7, 0]) ? ['rest-api'] : ['dude', 'tikapp'])];
}

/** As RouterOS prints a group's policies: those it has, then the others with `!`. */
export function printedPolicy(version: string, granted: readonly string[]): string {
  const all = allPolicies(version);
  const has = all.filter((policy) => granted.includes(policy));
  return [...has, ...all.filter((policy) => !granted.includes(policy)).map((policy) => `!${policy}`)].join(
    ',',
  );
}

/** The policies a printed text grants. */
export function grantedPolicies(printed: string): string[] {
  return printed.split(',').filter((policy) => policy !== '' && !policy.startsWith('!'));
}

/** The groups every router has, and one with least privilege for autoblock's user. */
export function defaultGroups(version: string): { name: string; policy: string; skin: string }[] {
  const all = allPolicies(version);
  const group = (name: string, granted: readonly string[]) => {
    return { name, policy: printedPolicy(version, granted), skin: 'default' };
  };
  const unprivileged = all.filter((policy) => policy !== 'ftp' && policy !== 'policy');
  return [
    group(
      'read',
      unprivileged.filter((policy) => policy !== 'write'),
    ),
    group('write', unprivileged),
    group('full', all),
    group('autoblock', ['read', 'write', 'api']),
  ];
}
