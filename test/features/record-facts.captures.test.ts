import { describe, expect, it } from 'vitest';
import { isEstablishedTcp } from '../../src/features/record-facts.ts';
import { sharedDataMissing } from '../support/shared-data.ts';
import { type LabelledFlow, readCapture } from './flow-capture.ts';

/** TCP flows with enough packets to be taken for a completed handshake by their number alone. */
function manyPacketTcp(flows: readonly LabelledFlow[], label: 0 | 1): LabelledFlow[] {
  return flows.filter(
    (flow) => flow.label === label && flow.record.protocol === 'tcp' && (flow.record.packets ?? 0) >= 4,
  );
}

function established(flows: readonly LabelledFlow[]): number {
  return flows.filter((flow) => isEstablishedTcp(flow.record)).length;
}

describe.skipIf(sharedDataMissing())('proof of the source on hosts exposed to the Internet', () => {
  const days = ['stratosphere_008_exposed_host.csv.gz', 'stratosphere_011_exposed_host.csv.gz'].map(
    readCapture,
  );

  it('is not seen in retransmitted SYNs, which are 450 of 479 attack flows with four packets or more', () => {
    const attacks = manyPacketTcp(days.flat(), 1);
    expect(attacks).toHaveLength(479);
    expect(established(attacks)).toBe(29);
  });

  it('is seen in 95 % of the benign flows of that size of the second host', () => {
    const benign = manyPacketTcp(days[1]!, 0);
    expect(benign).toHaveLength(4473);
    expect(established(benign)).toBe(4268);
  });
});
