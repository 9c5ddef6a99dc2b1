import { containsNetwork, type IpNetwork, overlaps, parseAddress, parseNetwork } from './address.ts';

/** A set of networks asked "which of you holds this address?". Meant for tens of networks, not thousands. */
export interface NetworkSet {
  readonly networks: readonly IpNetwork[];
}

/** Throws RangeError on a text that is no network: callers validate user input before. */
export function networkSet(texts: readonly string[]): NetworkSet {
  const networks = texts.map((text) => {
    const network = parseNetwork(text);
    if (network === null) throw new RangeError(`not an address or network: ${text}`);
    return network;
  });
  return { networks };
}

/** The first network of the set that holds all of `address`, or null. */
export function networkHolding(set: NetworkSet, address: IpNetwork): IpNetwork | null {
  return set.networks.find((network) => containsNetwork(network, address)) ?? null;
}

/** The first network of the set that shares an address with `candidate`, or null: blocking a /24 must not cut off a protected host in it. */
export function networkTouching(set: NetworkSet, candidate: IpNetwork): IpNetwork | null {
  return set.networks.find((network) => overlaps(network, candidate)) ?? null;
}

/** A question asked for every source of a run: does this address lie in one of the networks? */
export function membershipTest(networkTexts: readonly string[]): (address: string) => boolean {
  const set = networkSet(networkTexts);
  return (text) => {
    const address = parseAddress(text);
    return address !== null && networkHolding(set, address) !== null;
  };
}

/** Asks thousands of single addresses at once and networks one by one; `has` takes canonical text. */
export function addressSet(texts: readonly string[]): Pick<ReadonlySet<string>, 'has'> {
  const isNetwork = (text: string): boolean => text.includes('/');
  const singles = new Set(texts.filter((text) => !isNetwork(text)));
  const inNetwork = membershipTest(texts.filter(isNetwork));
  return { has: (address) => singles.has(address) || inNetwork(address) };
}
