import { DownbeatError } from "@downbeat/contract";
import type { Credentials } from "./caller.ts";

export type AccessToken = { readonly accessToken: string; readonly expiresInSeconds: number };

/**
 * Keeps one access token and renews it when four fifths of its life are over. Concurrent callers share one exchange.
 * Counts on a monotonic clock, so a change of the wall clock neither expires nor revives a token.
 *
 * The source throws a {@link DownbeatError} `response_invalid` when what answers the exchange is no Downbeat API.
 *
 * @param nowMs monotonic milliseconds
 */
export function createTokenSource(
  exchange: () => Promise<AccessToken>,
  nowMs: () => number = () => performance.now(),
): Credentials {
  let current: { text: string; renewAtMs: number } | undefined;
  let pending: Promise<string> | undefined;

  async function renew(): Promise<string> {
    const askedAtMs = nowMs(); // before the request: the server's clock started no earlier
    const { accessToken, expiresInSeconds } = await exchange();
    if (typeof accessToken !== "string" || typeof expiresInSeconds !== "number")
      throw new DownbeatError("response_invalid", {
        message: "The answer holds no access token; is there another service under this URL?",
      });
    current = { text: accessToken, renewAtMs: askedAtMs + expiresInSeconds * 800 };
    return accessToken;
  }

  return async (refused) => {
    if (!refused && current !== undefined && nowMs() < current.renewAtMs) return current.text;
    pending ??= renew().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
