import type { Transport } from "@downbeat/client/caller";
import { DownbeatError } from "@downbeat/contract";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Carries calls by `fetch` to the page's own origin: paths are relative, so no setting can send them elsewhere.
 *
 * @throws {DownbeatError} `unreachable`; an abort passes through as it is.
 */
export function createFetchTransport(fetch: Fetch): Transport {
  return async ({ method, path, headers, body, signal }) => {
    try {
      const response = await fetch(path, {
        method,
        headers,
        body: body ?? null,
        signal: signal ?? null,
        // The credentials travel in a header. No cookie is wanted, sent or kept.
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
      });
      const text = await response.text();
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        text,
      };
    } catch (cause) {
      if (signal?.aborted === true) throw cause;
      throw new DownbeatError("unreachable", { cause });
    }
  };
}
