import { type IpNetwork, parseNetwork } from '../ip/address.ts';

/**
 * Networks (no single addresses) asked "which of you hold this?" for every source of a run. There are thousands once
 * IPv6 attackers are blocked by network, so the question is one look-up per prefix length instead of one comparison
 * per network.
 */
export interface NetworkIndex {
  readonly byText: ReadonlyMap<string, IpNetwork>;
  readonly prefixLengths: Readonly<Record<4 | 6, readonly number[]>>;
}

/** Of `texts` those that are networks. */
export function indexNetworks(texts: Iterable<string>): NetworkIndex {
  const networks = [...texts]
    .filter((text) => text.includes('/'))
    .map((text) => parseNetwork(text))
    .filter((network) => network !== null);
  const lengths = (family: 4 | 6): number[] => [
    ...new Set(networks.filter((one) => one.family === family).map((one) => one.prefixLength)),
  ];
  return {
    byText: new Map(networks.map((network) => [network.text, network])),
    prefixLengths: { 4: lengths(4), 6: lengths(6) },
  };
}

/** Those that hold all of `inner`; `inner` itself when it is one of them. */
export function networksHolding(index: NetworkIndex, inner: IpNetwork): IpNetwork[] {
  return index.prefixLengths[inner.family]
    .filter((prefixLength) => prefixLength <= inner.prefixLength)
    .map((prefixLength) => index.byText.get(networkAround(inner, prefixLength)?.text ?? ''))
    .filter((network) => network !== undefined);
}

/** The network of that length around `inner`; null when it would be longer than `inner` is. */
export function networkAround(inner: IpNetwork, prefixLength: number): IpNetwork | null {
  if (prefixLength > inner.prefixLength) return null;
  return parseNetwork(`${inner.text.split('/')[0]}/${prefixLength}`);
}
