import type { Reason } from '../detector/detection.ts';
import { formatShare } from '../detector/number-text.ts';

/** The sentence, and how much of the forest's evidence it tells where the forest had a say. */
export function reasonText({ text, contribution }: Pick<Reason, 'text' | 'contribution'>): string {
  return contribution === undefined
    ? text
    : `${text} (${formatShare(contribution)} of the forest's evidence)`;
}

/** By feature: the share of the forest's evidence it holds, 0-1; only the features that are among the reasons. */
export function contributionsOf(
  reasons: readonly Pick<Reason, 'subject' | 'contribution'>[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    reasons.flatMap(({ subject, contribution }) =>
      contribution === undefined ? [] : [[subject, contribution]],
    ),
  );
}
