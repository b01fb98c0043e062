import type { SchemaNode } from "../parameters/schema-node.ts";

/** What the importing process sends back. Plain data: user objects stay in that process. */
export type DiscoveryMessage = { readonly files: readonly DiscoveredFile[] };

export type DiscoveredFile =
  | { readonly path: string; readonly flows: readonly DiscoveredFlow[] }
  | { readonly path: string; readonly error: string };

export type DiscoveredFlow = {
  readonly flowName: string;
  readonly export: string;
  readonly parameterSchema: SchemaNode | null;
  /** A task marked `background`. */
  readonly isBackground: boolean;
  /** Defined with `exclusive: true`. */
  readonly exclusive: boolean;
};

/** What the importing process sends back about the project's configuration: the default export as plain data. */
export type ConfigMessage = { readonly value: unknown } | { readonly error: string };
