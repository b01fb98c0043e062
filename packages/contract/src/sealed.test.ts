import { describe, expect, it } from "vitest";
import { refuseUnsealed, sealed, SEALED_KINDS } from "./sealed.ts";

function blob(header: Record<string, unknown>, body = "AAAA"): string {
  return `${Buffer.from(JSON.stringify(header)).toString("base64url")}..${body}.${body}.${body}`;
}

const HEADER = {
  alg: "dir",
  enc: "A256GCM",
  typ: "dnb+jwe",
  kid: "k",
  ws: "w",
  kind: "parameters",
};

describe("a sealed field", () => {
  it("takes a compact JWE of its own kind", () => {
    expect(sealed("parameters").safeParse(blob(HEADER)).success).toBe(true);
  });

  it.each([
    ["JSON", '{"year":2014}', "not a sealed blob"],
    ["a JWS", "eyJhbGciOiJFUzI1NiJ9.eyJ4IjoxfQ.c2ln", "not a sealed blob"],
    ["five dotted words", "a.b.c.d.e", "not a sealed blob"],
    ["another kind", blob({ ...HEADER, kind: "log" }), 'sealed as kind "log"'],
    ["another algorithm", blob({ ...HEADER, alg: "RSA1_5" }), "RSA1_5"],
    ["another cipher", blob({ ...HEADER, enc: "A128CBC-HS256" }), "A128CBC-HS256"],
    ["a header that is not JSON", "eyJoZ.._A._A._A", "not JSON"],
    ["no key id", blob({ ...HEADER, kid: undefined }), "no key id"],
    ["too much", blob(HEADER, "A".repeat(300_000)), "characters long"],
  ])("refuses %s", (_, text, words) => {
    expect(refuseUnsealed(text, "parameters")).toContain(words);
    const issues = sealed("parameters").safeParse(text).error?.issues;
    expect(issues?.[0]).toMatchObject({ code: "custom", params: { code: "plaintext_refused" } });
  });

  it("knows a limit for every kind", () => {
    for (const kind of SEALED_KINDS)
      expect(refuseUnsealed(blob({ ...HEADER, kind }), kind)).toBeUndefined();
  });
});
