import { DownbeatError } from "@downbeat/contract";
import { verifyAccessToken } from "./access-token.ts";
import type { Principal } from "./principal.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { Urgency } from "./standing.ts";

/** How long a revoked key or agent may still be served by its last access token. */
export const REVOCATION_MS = 60_000;

// Asked again well before that by whoever calls, so that no request has to wait for the answer.
const ASK_AGAIN_MS = 20_000;

// A busy caller sends the same token thousands of times; its signature is verified once.
const MOST_TOKENS = 10_000;

export type AuthenticatorOptions = {
  readonly keys: SigningKeys;
  readonly nowMs: () => number;
  /** Asks the database whether the key or agent still stands (neither revoked nor expired). */
  readonly isStanding: (principal: Principal, urgency: Urgency) => Promise<boolean>;
};

type KnownToken = {
  readonly principal: Principal;
  readonly expiresAtMs: number;
  trustedUntilMs: number;
  isBeingAsked: boolean;
};

/** Finds out who sends a request, from its access token. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #known = new Map<string, KnownToken>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Verifies the token and asks whether its principal stands: for whom {@link recognise} does not know.
   *
   * @throws {DownbeatError} credentials_missing, credentials_invalid, credentials_expired
   */
  async authenticate(authorization: string | undefined): Promise<Principal> {
    const token = readBearer(authorization);
    const known = this.#known.get(token) ?? this.#learn(token);
    const nowMs = this.#options.nowMs();
    if (known.expiresAtMs <= nowMs) {
      this.#known.delete(token);
      throw new DownbeatError("credentials_expired", { message: "The access token has expired." });
    }
    await this.#checkStanding(token, known, nowMs);
    return known.principal;
  }

  /** The principal if its token is known and trusted, as that of all but a caller's first request; there is no promise. */
  recognise(authorization: string | undefined): Principal | undefined {
    const token = bearerOf(authorization);
    const known = token === undefined ? undefined : this.#known.get(token);
    if (token === undefined || known === undefined) return undefined;
    const nowMs = this.#options.nowMs();
    if (Math.min(known.expiresAtMs, known.trustedUntilMs) <= nowMs) return undefined;
    if (known.trustedUntilMs - nowMs < REVOCATION_MS - ASK_AGAIN_MS) this.#askAgain(token, known);
    return known.principal;
  }

  /**
   * Makes a check for a request that goes on for long, to be made before each part of its work: it throws credentials_invalid within
   * {@link REVOCATION_MS} of the revocation of its principal. That the token expires meanwhile does not matter.
   */
  checkOf(principal: Principal): () => Promise<void> {
    let askedAtMs = this.#options.nowMs();
    return async () => {
      const nowMs = this.#options.nowMs();
      if (nowMs - askedAtMs < ASK_AGAIN_MS) return;
      // Unknown while the database is away: the work that follows needs it too, and says so.
      const stands = await this.#options.isStanding(principal, "now").catch(() => undefined);
      if (stands === false) throw revoked(principal);
      if (stands === true) askedAtMs = nowMs;
    };
  }

  /** Makes a revocation felt at once by this process; others notice within {@link REVOCATION_MS}. */
  forget(principalId: string): void {
    for (const [token, { principal }] of this.#known) {
      if (principal.id === principalId) this.#known.delete(token);
    }
  }

  #learn(token: string): KnownToken {
    const verified = verifyAccessToken(this.#options.keys, token, this.#options.nowMs());
    return { ...verified, trustedUntilMs: 0, isBeingAsked: false };
  }

  #askAgain(token: string, known: KnownToken): void {
    if (known.isBeingAsked) return;
    known.isBeingAsked = true;
    // Revoked: the token is unknown from now on, and the next request hears why. No answer: it is asked in good time.
    const nowMs = this.#options.nowMs();
    const note = (stands: boolean): void => {
      if (this.#known.get(token) !== known) return; // forgotten meanwhile
      if (stands) known.trustedUntilMs = nowMs + REVOCATION_MS;
      else this.#known.delete(token);
    };
    void this.#options
      .isStanding(known.principal, "soon")
      .then(note, () => {})
      .finally(() => (known.isBeingAsked = false));
  }

  async #checkStanding(token: string, known: KnownToken, nowMs: number): Promise<void> {
    if (!(await this.#options.isStanding(known.principal, "now"))) {
      this.#known.delete(token);
      throw revoked(known.principal);
    }
    known.trustedUntilMs = nowMs + REVOCATION_MS;
    this.#known.set(token, known);
    this.#dropOldest();
  }

  #dropOldest(): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_TOKENS && oldest !== undefined) this.#known.delete(oldest);
  }
}

function revoked({ kind, id }: Principal): DownbeatError {
  const message = `The ${kind} ${id} was revoked or has expired.`;
  return new DownbeatError("credentials_invalid", { message });
}

function readBearer(authorization: string | undefined): string {
  if (authorization === undefined) throw new DownbeatError("credentials_missing");
  const token = bearerOf(authorization);
  if (token === undefined) {
    const message = "The Authorization header is not of the form `Bearer <access token>`.";
    throw new DownbeatError("credentials_invalid", { message });
  }
  return token;
}

function bearerOf(authorization = ""): string | undefined {
  return /^bearer ([^ ]*)$/i.exec(authorization)?.[1];
}
