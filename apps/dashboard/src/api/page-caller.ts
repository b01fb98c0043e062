import { type Caller, createCaller } from "@downbeat/client/caller";
import { createTokenSource } from "@downbeat/client/token-source";
import { createFetchTransport } from "./fetch-transport.ts";

/**
 * The page's client for one API key. The key is exchanged for ten-minute access tokens, which stay in memory and are
 * renewed by themselves.
 */
export function createPageCaller(apiKey: string): Caller {
  // Bound late: `fetch` must be called as a method of the window.
  const transport = createFetchTransport((url, init) => window.fetch(url, init));
  const anonymous = createCaller(transport);
  const exchange = () => anonymous.call("exchangeToken", { body: { grant: "api_key", apiKey } });
  return createCaller(transport, createTokenSource(exchange));
}
