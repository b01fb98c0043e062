import { createCaller, type Caller, type OnSend } from "./caller.ts";
import { createStreamer, NO_STREAMS, type Streamer } from "./stream/streamer.ts";
import { createTokenSource } from "./token-source.ts";
import { createUndiciTransport } from "./undici-transport.ts";

export type ClientOptions = {
  /** Origin of the API, for instance `http://127.0.0.1:4200`. */
  readonly apiUrl: string;
  /** An API key (`dnb_…`), or a function that signs an agent's assertion; without either only public routes answer. */
  readonly apiKey?: string | undefined;
  readonly signAssertion?: (() => Promise<string>) | undefined;
  /** Is told of each request before it goes, those for access tokens included. */
  readonly onSend?: OnSend | undefined;
};

export type Client = Caller & Streamer & { readonly close: () => Promise<void> };

/**
 * A client of the API for Node. Exchanges the credentials for access tokens and renews them by itself.
 *
 * @throws {DownbeatError} `configuration_invalid` when `apiUrl` is not a URL
 * @example
 * const client = createClient({ apiUrl: "http://127.0.0.1:4200", apiKey });
 * const { items } = await client.call("listRuns", { query: { limit: 10 } });
 * await client.close();
 */
export function createClient({ apiUrl, apiKey, signAssertion, onSend }: ClientOptions): Client {
  const { transport, openStream, close } = createUndiciTransport(apiUrl);
  const anonymous = createCaller(transport, undefined, onSend);
  const exchange = exchangeFor(anonymous, apiKey, signAssertion);
  const credentials = exchange && createTokenSource(exchange);
  const { call } = createCaller(transport, credentials, onSend);
  const { stream } = onSend === undefined ? createStreamer(openStream, credentials) : NO_STREAMS;
  return { call, stream, close };
}

function exchangeFor(
  caller: Caller,
  apiKey: string | undefined,
  signAssertion: (() => Promise<string>) | undefined,
) {
  if (signAssertion !== undefined) {
    return async () =>
      caller.call("exchangeToken", {
        body: { grant: "agent_assertion", assertion: await signAssertion() },
      });
  }
  if (apiKey !== undefined)
    return async () => caller.call("exchangeToken", { body: { grant: "api_key", apiKey } });
  return undefined;
}
