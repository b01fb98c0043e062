import { randomUUID } from "node:crypto";
import { isDownbeatError } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { signAccessToken } from "./access-token.ts";
import { Authenticator, REVOCATION_MS } from "./authenticator.ts";
import type { Principal } from "./principal.ts";
import { createSigningKeys } from "./signing-keys.ts";

const KEYS = createSigningKeys();
const START_MS = Date.parse("2026-03-01T00:00:00Z");

function aSetting() {
  const principal: Principal = {
    kind: "api-key",
    id: randomUUID(),
    role: "viewer",
    workspaceId: randomUUID(),
    poolId: undefined,
  };
  const world = { nowMs: START_MS, standing: true, isAway: false, lookUps: 0, urgencies: "" };
  const authenticator = new Authenticator({
    keys: KEYS,
    nowMs: () => world.nowMs,
    isStanding: async (_principal, urgency) => {
      if (world.isAway) throw new Error("The database is away.");
      world.lookUps += 1;
      world.urgencies += `${urgency} `;
      return world.standing;
    },
  });
  const header = `Bearer ${signAccessToken(KEYS, principal, START_MS)}`;
  const answer = async (authorization: string | undefined = header): Promise<unknown> => {
    try {
      const recognised = authenticator.recognise(authorization);
      return (await (recognised ?? authenticator.authenticate(authorization))).id;
    } catch (error) {
      return isDownbeatError(error) ? error.code : error;
    }
  };
  return { principal, header, world, authenticator, answer };
}

describe("Authenticator", () => {
  it("looks a principal up once a minute, not once a request", async () => {
    const { principal, world, answer } = aSetting();
    expect([await answer(), await answer(), await answer()]).toEqual([
      principal.id,
      principal.id,
      principal.id,
    ]);
    expect(world.lookUps).toBe(1);
    world.nowMs += REVOCATION_MS;
    await answer();
    expect(world.lookUps).toBe(2);
  });

  it("asks again while it still trusts, once and without keeping anybody waiting", async () => {
    const { principal, world, answer } = aSetting();
    await answer();
    world.nowMs += 30_000;
    expect(await Promise.all([answer(), answer(), answer()])).toEqual(
      Array.from({ length: 3 }, () => principal.id),
    );
    expect(world.urgencies).toBe("now soon ");
    world.nowMs += 45_000; // trusted since the second look
    await answer();
    expect(world.urgencies).toBe("now soon soon ");
    world.standing = false;
    world.nowMs += 30_000;
    expect(await answer()).toBe(principal.id);
    expect(await answer()).toBe("credentials_invalid");
  });

  it("a look that was under way does not bring a forgotten principal back", async () => {
    const { world, authenticator, principal, answer } = aSetting();
    await answer();
    world.nowMs += 30_000;
    const asking = answer();
    authenticator.forget(principal.id);
    await asking;
    world.standing = false;
    expect(await answer()).toBe("credentials_invalid");
  });

  it("recognises a token only after it was authenticated, and while its principal is trusted", async () => {
    const { header, world, authenticator, principal, answer } = aSetting();
    expect(authenticator.recognise(header)).toBeUndefined();
    await answer();
    expect(authenticator.recognise(header)).toEqual(principal);
    expect(authenticator.recognise(`${header}x`)).toBeUndefined();
    expect(authenticator.recognise(undefined)).toBeUndefined();
    world.nowMs += REVOCATION_MS;
    expect(authenticator.recognise(header)).toBeUndefined();
    await answer();
    expect(authenticator.recognise(header)).toEqual(principal);
    authenticator.forget(principal.id); // as when it is revoked
    expect(authenticator.recognise(header)).toBeUndefined();
  });

  it("refuses a revoked principal within a minute, and at once where it was revoked", async () => {
    const { principal, world, authenticator, answer } = aSetting();
    await answer();
    world.standing = false;
    expect(await answer()).toBe(principal.id);
    world.nowMs += REVOCATION_MS;
    expect(await answer()).toBe("credentials_invalid");
    world.standing = true;
    expect(await answer()).toBe(principal.id);
    world.standing = false;
    authenticator.forget(principal.id);
    expect(await answer()).toBe("credentials_invalid");
  });

  it("refuses what a revoked principal goes on with within a minute, whether or not its token has expired", async () => {
    const { principal, world, authenticator } = aSetting();
    const check = authenticator.checkOf(principal);
    await check();
    expect(world.lookUps).toBe(0);
    world.nowMs += 600_000;
    await check();
    await check();
    expect(world.lookUps).toBe(1);
    world.standing = false;
    world.nowMs += REVOCATION_MS;
    await expect(check()).rejects.toMatchObject({ code: "credentials_invalid" });
  });

  it("leaves it to the work itself when nobody can tell whether its principal stands", async () => {
    const { principal, world, authenticator } = aSetting();
    const check = authenticator.checkOf(principal);
    world.nowMs += REVOCATION_MS;
    world.isAway = true;
    await check();
    world.isAway = false;
    world.standing = false;
    await expect(check()).rejects.toMatchObject({ code: "credentials_invalid" });
  });

  it("refuses an expired token although it was known", async () => {
    const { world, answer } = aSetting();
    await answer();
    world.nowMs += 600_000;
    expect(await answer()).toBe("credentials_expired");
  });

  it("tells missing from malformed credentials", async () => {
    const { authenticator, answer } = aSetting();
    await expect(authenticator.authenticate(undefined)).rejects.toMatchObject({
      code: "credentials_missing",
    });
    expect(await answer("Basic abc")).toBe("credentials_invalid");
    expect(await answer("Bearer")).toBe("credentials_invalid");
  });
});
