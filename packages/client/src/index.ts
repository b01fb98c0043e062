export * from "./caller.ts";
export * from "./client.ts";
export * from "./token-source.ts";
export * from "./undici-transport.ts";
export type { StreamInput, StreamOptions, StreamOutput, Streamer } from "./stream/streamer.ts";
