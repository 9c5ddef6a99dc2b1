import { AutoblockError } from '../../errors.ts';
import { addBlocks } from '../blocks/add-blocks.ts';
import { readAddresses } from '../blocks/address-input.ts';
import { extendBlocks, removeBlocks } from '../blocks/change-blocks.ts';
import { listBlocks } from '../blocks/list-blocks.ts';
import { type Command, type Invocation, refuseOperands } from '../command.ts';
import { withWorkplace } from '../session.ts';

export const blocksCommand: Command = {
  name: 'blocks',
  summary: 'what is blocked and why; add, remove or extend by hand, thousands at once',
  usage: [
    'blocks list [--origin auto|review|manual] [--address ADDRESS] [--json]',
    'blocks add ADDRESS... [--file FILE|-] [--seconds N] [--reason TEXT] [--skip-protected] [--json]',
    'blocks remove ADDRESS... [--file FILE|-] [--reason TEXT] [--skip-missing] [--json]',
    'blocks extend ADDRESS... [--file FILE|-] [--seconds N] [--reason TEXT] [--skip-missing] [--json]',
  ],
  details: [
    'add, remove and extend write the ledger and sync the routers at once: all that was named, or nothing of it.',
    'A line that is no address or network is exit code 2; an allowlisted or protected address, or more blocks than',
    'MAX_BLOCKS_TOTAL or a router take, is 4; one that is not blocked (remove, extend) is 1. Who called and why is kept',
    'in the ledger (`autoblock audit`). A removed address is not blocked again by the same evidence; extend never',
    'shortens. While blocking is paused (`autoblock panic`) add and extend are refused, remove works.',
    '',
    'FILE holds one address or network a line, with comments after # or ; (- reads standard input; at most 1,000,000',
    'lines; a file may be gzipped).',
  ].join('\n'),
  options: {
    file: { type: 'string', placeholder: 'FILE', description: 'addresses from a file, - for standard input' },
    seconds: {
      type: 'string',
      placeholder: 'N',
      description: 'length of the block from now (default BLOCK_SECONDS)',
    },
    reason: {
      type: 'string',
      placeholder: 'TEXT',
      description: 'kept with the block (default: blocked by hand)',
    },
    'skip-protected': { type: 'boolean', description: 'add: block the others, list the protected ones' },
    'skip-missing': { type: 'boolean', description: 'remove, extend: leave out what is not blocked' },
    origin: { type: 'string', placeholder: 'ORIGIN', description: 'list: only auto, review or manual ones' },
    address: { type: 'string', placeholder: 'ADDRESS', description: 'list: only blocks that touch it' },
    json: { type: 'boolean', description: 'JSON on stdout' },
  },
  operands: true,
  examples: [
    'autoblock blocks list --address 203.0.113.7',
    'autoblock blocks add 203.0.113.7 --seconds 3600 --reason "abuse report"',
    'curl -s https://feed.example/list.txt | autoblock blocks add --file - --skip-protected --reason "feed of today"',
    'autoblock blocks extend 203.0.113.7 --seconds 604800',
    'autoblock blocks remove --file mistakes.txt --skip-missing --reason "our own scanners"',
  ],
  async run(invocation) {
    const [verb, ...operands] = invocation.positionals;
    if (verb === 'list') return list(invocation, operands);
    const change = CHANGES.get(verb ?? '');
    if (change === undefined)
      throw new AutoblockError(
        'USAGE',
        `blocks: got "${verb ?? 'nothing'}", wanted list, ${[...CHANGES.keys()].join(', ')}`,
      );
    refuseOptions(invocation, verb ?? '', ['origin', 'address']);
    // Read before the ledger is opened: a feed that comes slowly holds nothing up.
    const addresses = await readAddresses({
      operands,
      file: invocation.text('file'),
      input: invocation.input,
    });
    return withWorkplace(invocation, async (workplace) => {
      workplace.ledger.expireDue(workplace.nowMs());
      return change(invocation, { workplace, addresses });
    });
  },
};

const CHANGES = new Map([
  ['add', addBlocks],
  ['remove', removeBlocks],
  ['extend', extendBlocks],
]);

async function list(invocation: Invocation, operands: readonly string[]): Promise<number> {
  refuseOperands('blocks list', operands);
  refuseOptions(invocation, 'list', ['file']);
  return withWorkplace(invocation, (workplace) => {
    workplace.ledger.expireDue(workplace.nowMs());
    return Promise.resolve(listBlocks(invocation, workplace));
  });
}

/** `blocks remove --address X` names nothing to remove: said, not ignored. */
function refuseOptions(invocation: Invocation, verb: string, names: readonly string[]): void {
  const given = names.filter((name) => invocation.text(name) !== undefined);
  if (given.length > 0)
    throw new AutoblockError(
      'USAGE',
      `blocks ${verb}: ${given.map((name) => `--${name}`).join(', ')} is not for this verb`,
    );
}
