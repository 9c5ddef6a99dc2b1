import { AutoblockError } from '../errors.ts';
import {
  type AddressListChanges,
  isSendable,
  type ListCommand,
  type ListNames,
  listCommands,
} from './address-list-commands.ts';
import { runPipelined } from './pipeline.ts';
import { type RefusalMeaning, type RouterRefusedError, refusalMeaning } from './router-answers.ts';
import type { RouterSession } from './router-session.ts';
import type { WindowSize } from './window-size.ts';

/** A change the router (or our own check) refused, or that was not tried because of that; the others were carried out. */
export interface RefusedChange {
  readonly address: string;
  /** The router's own words, or ours. */
  readonly message: string;
  readonly meaning: RefusalMeaning | 'not_an_address' | 'not_tried';
}

export interface ApplyOptions {
  /** Told every 1,000 commands and at the end. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
  /** After this nothing more is sent; what is under way is awaited, then `apply` rejects with INTERRUPTED. */
  readonly signal?: AbortSignal;
}

interface ChangesRun extends ApplyOptions {
  readonly session: Pick<RouterSession, 'begin'>;
  readonly plan: AddressListChanges;
  readonly lists: ListNames;
  /** For error texts. */
  readonly router: string;
  readonly window: WindowSize;
}

const COMMANDS_PER_REPORT = 1000;

/** Carries out a plan over one session; see RouterConnection.apply. */
export async function applyChanges(run: ChangesRun): Promise<{ refused: RefusedChange[] }> {
  const { plan } = run;
  const state: State = {
    refused: [],
    full: null,
    done: 0,
    total: plan.remove.length + plan.extend.length + plan.add.length,
  };
  await runPipelined({
    session: run.session,
    window: run.window,
    commands: sendableCommands(run, state),
    onAnswer: (command, refusal) => {
      if (refusal !== null) noteRefusal(run, state, { command, refusal });
      countDone(run, state);
    },
  });
  return { refused: state.refused };
}

interface State {
  readonly refused: RefusedChange[];
  /** What the router said when its list was full. */
  full: string | null;
  done: number;
  readonly total: number;
}

/** The commands of the plan but those that must not, or need not, be sent; these are noted as refused. */
function* sendableCommands(run: ChangesRun, state: State): Generator<ListCommand> {
  for (const command of listCommands(run.plan, run.lists)) {
    if (run.signal?.aborted === true) {
      const progress = `${state.done} of ${state.total} changes were answered`;
      throw new AutoblockError('INTERRUPTED', `pushing to router ${run.router} was stopped: ${progress}`);
    }
    const reason = whyNotToSend(command, state);
    if (reason === null) yield command;
    else {
      state.refused.push({ address: command.address, ...reason });
      countDone(run, state);
    }
  }
}

function whyNotToSend(
  { address, action }: ListCommand,
  { full }: State,
): Pick<RefusedChange, 'message' | 'meaning'> | null {
  if (!isSendable(address))
    return { message: `not an address or network: ${address}`, meaning: 'not_an_address' };
  if (full === null || action !== 'add') return null;
  return { message: `not tried, the list is full: ${full}`, meaning: 'not_tried' };
}

/** "Already there" and "no longer there" are what was wanted; a missing policy stops everything, for it refuses everything. */
function noteRefusal(
  { router }: ChangesRun,
  state: State,
  { command, refusal }: { command: ListCommand; refusal: RouterRefusedError },
): void {
  const meaning = refusalMeaning(refusal);
  if (meaning === (command.action === 'add' ? 'already_there' : 'no_such_item')) return;
  if (meaning === 'not_permitted') throw policyMissing({ router, policy: 'write', cause: refusal });
  if (meaning === 'list_full') state.full ??= refusal.routerMessage;
  state.refused.push({ address: command.address, message: refusal.routerMessage, meaning });
}

/** The router says "not enough permissions": which policy of the API user that is, and how it is granted. */
export function policyMissing(missing: {
  router: string;
  policy: 'read' | 'write';
  cause: RouterRefusedError;
}): AutoblockError {
  const { router, policy, cause } = missing;
  const grant = '`/user group set GROUP policy=api,read,write` (GROUP: see `/user print`)';
  return new AutoblockError(
    'ROUTER_REFUSED',
    `router ${router}: the API user lacks the policy ${policy} (${cause.message}); grant it: ${grant}`,
    { cause },
  );
}

function countDone({ onProgress }: ChangesRun, state: State): void {
  state.done += 1;
  const { done, total } = state;
  if (done % COMMANDS_PER_REPORT === 0 || done === total) onProgress?.({ done, total });
}
