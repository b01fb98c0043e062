import { describe, expect, it } from "vitest";
import { createTokenSource } from "./token-source.ts";

function aSource() {
  let nowMs = 0;
  let made = 0;
  const source = createTokenSource(
    async () => ({ accessToken: `t${++made}`, expiresInSeconds: 600 }),
    () => nowMs,
  );
  return { source, advance: (ms: number) => (nowMs += ms) };
}

describe("the token source", () => {
  it("keeps a token for four fifths of its life, then renews it", async () => {
    const { source, advance } = aSource();
    expect(await source(false)).toBe("t1");
    advance(479_999);
    expect(await source(false)).toBe("t1");
    advance(1);
    expect(await source(false)).toBe("t2");
  });

  it("renews at once when the token was refused", async () => {
    const { source } = aSource();
    await source(false);
    expect(await source(true)).toBe("t2");
  });

  it.each([{}, { accessToken: 5, expiresInSeconds: 600 }, { accessToken: "t" }])(
    "refuses what another service answers: %j",
    async (answer) => {
      const source = createTokenSource(async () => answer as never);
      await expect(source(false)).rejects.toMatchObject({ code: "response_invalid" });
    },
  );

  it("tries again after a failed exchange", async () => {
    let fails = true;
    const source = createTokenSource(async () => {
      if (fails) throw new Error("down");
      return { accessToken: "t", expiresInSeconds: 600 };
    });
    await expect(source(false)).rejects.toThrow("down");
    fails = false;
    await expect(source(false)).resolves.toBe("t");
  });
});
