export { readKeyset, writeKeyset } from "./keyset-file.ts";
export type { WriteKeysetOptions } from "./keyset-file.ts";
