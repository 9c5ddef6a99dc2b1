import { writeFileSync } from 'node:fs';

const HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets';

/** SSH brute force with completed handshakes from each attacker, 100 tries a minute over the last four minutes. */
export function writeBruteForceCsv(path: string, attackers: readonly string[], endMs = Date.now()): void {
  const lines = attackers.flatMap((attacker, which) =>
    Array.from({ length: 400 }, (_, index) => {
      const at = new Date(endMs - 1_000 - index * 600 - which).toISOString();
      return `${at},${attacker},${20_000 + index},192.0.2.10,22,tcp,accept,2400,18`;
    }),
  );
  writeFileSync(path, `${[HEADER, ...lines].join('\n')}\n`);
}
