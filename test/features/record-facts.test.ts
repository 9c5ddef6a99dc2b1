import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/features/log-record.ts';
import {
  isAnsweredTcp,
  isDropped,
  isEstablishedTcp,
  isEverydayPort,
  isIcmp,
  isLoginPort,
  isLongFlow,
  isServiceReply,
  isSmallFlow,
  isUdpExchange,
} from '../../src/features/record-facts.ts';

const LOGIN: LogRecord = {
  timestampMs: 0,
  sourceIp: '203.0.113.7',
  sourcePort: 40_000,
  destinationIp: '198.51.100.1',
  destinationPort: 22,
  protocol: 'tcp',
  action: 'accept',
  bytes: 2400,
  packets: 20,
};

describe('a flow proves its source', () => {
  it('when it carried data after a handshake', () => {
    expect(isEstablishedTcp(LOGIN)).toBe(true);
    expect(isEstablishedTcp({ ...LOGIN, action: null })).toBe(true);
  });

  it.each<[string, Partial<LogRecord>]>([
    ['a SYN and the RST that answers it', { packets: 2, bytes: 80 }],
    ['SYN and RST three times over', { packets: 6, bytes: 240 }],
    ['a forged SYN and the SYN/ACKs our host sent to the victim', { packets: 7, bytes: 420 }],
    ['SYN and SYN/ACKs of 64 bytes', { packets: 6, bytes: 384 }],
    ['the same over IPv6', { sourceIp: '2001:db8::7', packets: 7, bytes: 560 }],
    ['large packets without a handshake', { packets: 3, bytes: 3000 }],
    ['a dropped flow', { action: 'drop' }],
    ['unknown packets', { packets: null }],
    ['unknown bytes', { bytes: null }],
    ['UDP, whose source anybody can forge', { protocol: 'udp' }],
    ['an unknown protocol', { protocol: null }],
  ])('but not by %s', (_, fields) => {
    expect(isEstablishedTcp({ ...LOGIN, ...fields })).toBe(false);
  });
});

describe('single facts', () => {
  it('dropped are the actions that refuse, and only those', () => {
    expect(['drop', 'deny', 'reject', 'block', 'tarpit'].map(isDropped)).toEqual(Array(5).fill(true));
    expect(['accept', 'allow', 'permit', 'pass', null].map(isDropped)).toEqual(Array(5).fill(false));
  });

  it('small are flows of at most three known packets', () => {
    expect([0, 1, 3, 4, null, -1].map((packets) => isSmallFlow({ packets }))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('ICMP goes by several names', () => {
    expect(['icmp', 'icmpv6', 'icmp6', 'ipv6-icmp', 'tcp', null].map(isIcmp)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('login ports open machines; web and database ports do not count', () => {
    expect([22, 23, 3389, 5900, 8291].every(isLoginPort)).toBe(true);
    expect([80, 443, 3306, 5432].some(isLoginPort)).toBe(false);
  });
});

describe('an everyday port', () => {
  it('is one that clients use without anybody doing anything', () => {
    expect([53, 80, 123, 443, 993, 1900, 5228, 5353, 51_820].every(isEverydayPort)).toBe(true);
  });

  it('is none that only administrators and attackers ask for, nor an unknown one', () => {
    expect([21, 22, 23, 445, 3306, 3389, 4444, 6379, 8080, 0, -1].some(isEverydayPort)).toBe(false);
  });
});

describe('a UDP exchange', () => {
  it('was let through and goes on beyond a probe, its repetition and an answer', () => {
    const exchange = (packets: number | null): LogRecord => ({ ...LOGIN, protocol: 'udp', packets });
    expect([4, 3000].map((packets) => isUdpExchange(exchange(packets)))).toEqual([true, true]);
    expect([1, 3, null].map((packets) => isUdpExchange(exchange(packets)))).toEqual([false, false, false]);
    expect(isUdpExchange({ ...exchange(3000), action: 'drop' })).toBe(false);
    expect(isUdpExchange({ ...LOGIN, packets: 3000 })).toBe(false);
  });
});

describe('a long flow', () => {
  it('was let through and has more packets than an attempt takes', () => {
    expect([49, 200].map((packets) => isLongFlow({ ...LOGIN, packets }))).toEqual([true, true]);
    expect([22, 48, null].map((packets) => isLongFlow({ ...LOGIN, packets }))).toEqual([false, false, false]);
    expect(isLongFlow({ ...LOGIN, packets: 200, action: 'reject' })).toBe(false);
  });
});

describe('the answer of a server', () => {
  it('comes from a system port and goes to a higher one', () => {
    const reply = (sourcePort: number | null, destinationPort: number | null): boolean =>
      isServiceReply({ ...LOGIN, sourcePort, destinationPort });
    expect([reply(443, 1024), reply(53, 60_000), reply(1023, 1024)]).toEqual([true, true, true]);
    // Clients, name servers among themselves, and what nobody knows.
    expect([reply(40_000, 443), reply(53, 53), reply(443, 1023)]).toEqual([false, false, false]);
    expect([reply(1024, 40_000), reply(0, 40_000), reply(null, 40_000), reply(443, null)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(isServiceReply({ ...LOGIN, protocol: 'icmp', sourcePort: 8, destinationPort: 2048 })).toBe(false);
  });
});

describe('an answered TCP flow', () => {
  const answered = (fields: Partial<LogRecord>): boolean =>
    isAnsweredTcp({
      timestampMs: 0,
      sourceIp: '192.0.2.1',
      sourcePort: 1,
      destinationIp: '192.0.2.2',
      destinationPort: 1,
      protocol: 'tcp',
      action: 'accept',
      bytes: 80,
      packets: 2,
      ...fields,
    });

  it('was let through and has at least two packets', () => {
    expect(answered({})).toBe(true);
    expect(answered({ action: null })).toBe(true);
    expect(answered({ packets: 1 })).toBe(false);
    expect(answered({ packets: null })).toBe(false);
    expect(answered({ action: 'drop', packets: 9 })).toBe(false);
    expect(answered({ protocol: 'udp', packets: 9 })).toBe(false);
    expect(answered({ bytes: null })).toBe(false);
  });

  it('is a SYN refused or an exchange, not a SYN repeated or a SYN/ACK never acknowledged', () => {
    expect(answered({ packets: 2, bytes: 60 + 40 })).toBe(true);
    expect(answered({ packets: 4, bytes: 2 * (52 + 40) })).toBe(true);
    expect(answered({ packets: 10, bytes: 1800 })).toBe(true);
    expect(answered({ packets: 3, bytes: 3 * 60 })).toBe(false);
    expect(answered({ packets: 2, bytes: 60 + 60 })).toBe(false);
    const overIpv6 = { sourceIp: '2001:db8::1', packets: 2 };
    expect(answered({ ...overIpv6, bytes: 80 + 60 })).toBe(true);
    expect(answered({ ...overIpv6, bytes: 80 + 80 })).toBe(false);
  });
});
