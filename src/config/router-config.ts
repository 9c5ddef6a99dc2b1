/** How a router's API is reached and who is believed to be it. */
export type RouterTlsConfig =
  | { readonly mode: 'plain' }
  | {
      readonly mode: 'verified';
      /** PEM text of the authority to trust instead of those Node ships with; null = Node's. */
      readonly caPem: string | null;
      /** SHA-256 of the DER certificate, 64 lower-case hex digits; null = not pinned. */
      readonly fingerprint: string | null;
    }
  /** Encrypted, but with whomever: any certificate and none is accepted. */
  | { readonly mode: 'unverified' };

/** One router to keep the address lists of. */
export interface RouterConfig {
  /** Unique; stands in logs, in the sync state and in metrics. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tls: RouterTlsConfig;
  readonly addressListV4: string;
  readonly addressListV6: string;
  /** Which blocks this router gets. */
  readonly scope: {
    readonly families: readonly (4 | 6)[];
    readonly origins: readonly ('auto' | 'review' | 'manual')[];
  };
  /** Only say what would be written to this router. */
  readonly dryRun: boolean;
  /** Most entries of ours on each of its lists together. */
  readonly maxEntries: number;
  /** Most commands under way at once, 8-64. */
  readonly commandsInFlight: number;
}
