import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ReportItem } from "./agent.ts";
import type { RouteInput } from "./route.ts";
import type { ROUTES } from "./routes.ts";
import {
  placeOfParameters,
  refuseUnsealed,
  sealed,
  SEALED_KINDS,
  traceOfParameters,
  type Sealed,
  type SealedKind,
} from "./sealed.ts";

const NONCE = "A".repeat(16);
const TAG = "A".repeat(22);
const EPK = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) };

function blob(header: Record<string, unknown>, { key = "", body = "AAAA" } = {}): string {
  return `${base64(JSON.stringify(header))}.${key}.${NONCE}.${body}.${TAG}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64url");
}

const HEADER = {
  alg: "dir",
  enc: "A256GCM",
  typ: "dnb+jwe",
  kid: randomUUID(),
  ws: randomUUID(),
  kind: "parameters",
};
const DIRECT = { ...HEADER, alg: "ECDH-ES+A256KW", kid: "A".repeat(43), epk: EPK };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const WRAPPED_KEY = "A".repeat(54);

describe("a sealed field", () => {
  const place = { dep: "weather/nightly", run: randomUUID(), epoch: 1, seq: 0 };
  it.each([
    ["sealed with a data key", blob(HEADER)],
    ["sealed to a public key", blob(DIRECT, { key: WRAPPED_KEY })],
    ["that names its place", blob({ ...HEADER, ...place })],
    ["that names a trace", blob({ ...HEADER, trace: TRACE })],
  ])("takes a compact JWE of its own kind, %s", (_, text) => {
    expect(sealed("parameters").safeParse(text).error).toBeUndefined();
  });

  it.each([
    ["JSON", '{"year":2014}', "not a sealed blob"],
    ["an object", { year: 2014 }, "not a sealed blob"],
    ["a number", 2014, "not a sealed blob"],
    ["nothing", "", "not a sealed blob"],
    ["a JWS", "eyJhbGciOiJFUzI1NiJ9.eyJ4IjoxfQ.c2ln", "not a sealed blob"],
    ["five dotted words", "a.b.c.d.e", "not a sealed blob"],
    ["text between the dots", `${base64("{}")}..${NONCE}.plain text.${TAG}`, "not a sealed blob"],
    ["a short tag", `${blob(HEADER).slice(0, -1)}`, "not a sealed blob"],
    ["another kind", blob({ ...HEADER, kind: "log" }), 'sealed as kind "log"'],
    ["another algorithm", blob({ ...HEADER, alg: "RSA1_5" }), "`alg` is not allowed"],
    ["another cipher", blob({ ...HEADER, enc: "A128CBC-HS256" }), "`enc` is not allowed"],
    ["another type", blob({ ...HEADER, typ: "JWE" }), "`typ` is not allowed"],
    ["a header that is not JSON", `eyJoZ..${NONCE}._A.${TAG}`, "not JSON"],
    ["a header that is a list", `${base64('[{"": 1}]')}..${NONCE}._A.${TAG}`, "not a sealed blob"],
    ["no key id", blob({ ...HEADER, kid: undefined }), "names no `kid`"],
    ["a wrapped key where none belongs", blob(HEADER, { key: WRAPPED_KEY }), "wrapped key"],
    ["no wrapped key where one belongs", blob(DIRECT), "wrapped key"],
    ["no sender's key", blob({ ...DIRECT, epk: undefined }, { key: WRAPPED_KEY }), "wrapped key"],
    ["too much", blob(HEADER, { body: "A".repeat(800_000) }), "characters long"],
  ])("refuses %s", (_, value, words) => {
    expect(refuseUnsealed(value, "parameters")).toContain(words);
    const issues = sealed("parameters").safeParse(value).error?.issues;
    expect(issues?.[0]).toMatchObject({ code: "custom", params: { code: "plaintext_refused" } });
  });

  // The header is in clear: whatever it may hold, someone could fill with customer data.
  it.each([
    ["an unknown field", { note: "Ada Lovelace" }],
    ["a field of prototypes", { constructor: "Ada Lovelace" }],
    ["an id that is none", { kid: "Ada Lovelace" }],
    ["a workspace that is none", { ws: "Ada Lovelace" }],
    ["a kind that is none", { kind: "Ada Lovelace" }],
    ["a run that is none", { run: "Ada Lovelace" }],
    ["a deployment that is no name", { dep: "Ada <ada@example.org>" }],
    ["a trace that is none", { trace: "Ada Lovelace" }],
    ["more than a trace", { trace: `${TRACE}-ada` }],
    ["the trace of nothing", { trace: TRACE.replaceAll(/[1-9a-f]/g, "0") }],
    ["a number that is none", { seq: "Ada Lovelace" }],
    ["more than a public key", { ...DIRECT, epk: { ...EPK, kid: "Ada Lovelace" } }],
    ["compression where it tells of the content", { zip: "DEF" }],
  ])("refuses %s in the header, and does not repeat it", (_, extra) => {
    const refusal = refuseUnsealed(blob({ ...HEADER, ...extra }), "parameters");
    expect(refusal).toMatch(/protected header/);
    expect(refusal).not.toMatch(/ada/i);
  });

  it("refuses a trace with anything but parameters", () => {
    const text = blob({ ...HEADER, kind: "log", trace: TRACE });
    expect(refuseUnsealed(text, "log")).toContain("`trace` is not allowed");
    expect(traceOfParameters(blob({ ...HEADER, trace: TRACE }))).toBe(TRACE);
    expect(traceOfParameters(blob({ ...HEADER, trace: "Ada" }))).toBeUndefined();
    expect(traceOfParameters(blob(HEADER))).toBeUndefined();
  });

  it("knows a limit for every kind", () => {
    for (const kind of SEALED_KINDS)
      expect(refuseUnsealed(blob({ ...HEADER, kind }), kind)).toBeUndefined();
  });

  it("tells a missing field from a plaintext one, and may be null or absent where that is said", () => {
    const schema = z.object({ must: sealed("log"), may: sealed("log").nullable().default(null) });
    const { error } = schema.safeParse({});
    expect(error?.issues).toMatchObject([{ path: ["must"], message: "is missing" }]);
    expect(error?.issues[0]).not.toHaveProperty("params.code");
    const must = blob({ ...HEADER, kind: "log" });
    expect(schema.parse({ must })).toEqual({ must, may: null });
  });
});

describe("placeOfParameters", () => {
  it("expects the run only of what was sealed for one", () => {
    const place = { dep: "f/d", run: randomUUID() };
    expect(placeOfParameters(blob(HEADER), place)).toEqual({ kind: "parameters", dep: "f/d" });
    const bound = blob({ ...HEADER, run: randomUUID() });
    expect(placeOfParameters(bound, place)).toEqual({ kind: "parameters", ...place });
  });
});

describe("the types", () => {
  it("let no unsealed text into a sealed field", () => {
    const seal = <K extends SealedKind>(kind: K) => blob({ ...HEADER, kind }) as Sealed<K>;
    const chunk: Extract<ReportItem, { kind: "log" }>["chunk"] = seal("log");
    // @ts-expect-error text that nobody sealed
    const plainChunk: typeof chunk = "plain text";
    // @ts-expect-error sealed as another kind
    const otherChunk: typeof chunk = seal("error");
    type CreateRun = RouteInput<(typeof ROUTES)["createRun"]>["body"];
    const body: CreateRun = { flowName: "weather", parameters: seal("parameters") };
    // @ts-expect-error what is sent is typed as strictly as what arrives
    const plainBody: CreateRun = { flowName: "weather", parameters: '{"year":2014}' };
    expect([chunk, plainChunk, otherChunk, body, plainBody]).toHaveLength(5);
  });
});
