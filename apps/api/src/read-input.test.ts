import { ROUTES, isDownbeatError, type RouteSpec } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { inputReader } from "./read-input.ts";

const HERE = "00000000-0000-4000-8000-000000000001";
const ELSEWHERE = "00000000-0000-4000-8000-000000000002";

function blob(kind: string, ws = HERE): string {
  const header = { alg: "dir", enc: "A256GCM", typ: "dnb+jwe", kid: ELSEWHERE, ws, kind };
  return `${Buffer.from(JSON.stringify(header)).toString("base64url")}..${"a".repeat(16)}.bbbb.${"c".repeat(22)}`;
}

function refusalOf(spec: RouteSpec, raw: { params?: unknown; query?: unknown; body?: unknown }) {
  try {
    inputReader(spec)({ params: {}, query: {}, body: undefined, ...raw }, HERE);
  } catch (error) {
    if (isDownbeatError(error))
      return { code: error.code, message: error.message, issues: error.issues };
    throw error;
  }
  return undefined;
}

describe("inputReader", () => {
  it("takes a request that fits and fills in defaults", () => {
    const body = { flowName: "weather", parameters: blob("parameters") };
    const input = inputReader(ROUTES.createRun)({ params: {}, query: {}, body }, HERE);
    expect(input.body).toMatchObject({ flowName: "weather", deploymentName: "default", tags: [] });
  });

  it.each([
    ["an unknown field", { flowName: "f", colour: "red" }, "colour"],
    [
      "an unknown field deep down",
      { flowName: "f", dataKeys: [{ id: HERE, wrap: "{}", wrapTag: null, x: 1 }] },
      "dataKeys.0.x",
    ],
    ["a wrong type", { flowName: 7 }, "flowName"],
    ["a missing field", {}, "flowName"],
  ])("names the field of %s", (_what, body, path) => {
    const refusal = refusalOf(ROUTES.createRun, { body });
    expect(refusal).toMatchObject({ code: "validation_failed" });
    expect(refusal?.issues.map((issue) => issue.path)).toContain(path);
  });

  it("names the field inside a list of variants", () => {
    const item = {
      kind: "log",
      runId: HERE,
      epoch: 1,
      leaseToken: "a".repeat(32),
      sequence: "one",
      lineCount: 1,
      chunk: blob("log"),
    };
    expect(refusalOf(ROUTES.report, { body: { items: [item] } })?.issues).toMatchObject([
      { path: "items.0.sequence" },
    ]);
  });

  it("refuses unknown query fields and bodies nobody asked for", () => {
    expect(refusalOf(ROUTES.listRuns, { query: { color: "red" } })?.issues[0]?.path).toBe("color");
    const none = { query: { color: "red" }, body: { flowName: "f" } };
    expect(refusalOf(ROUTES.createRun, none)?.issues[0]?.path).toBe("color");
    expect(
      refusalOf(ROUTES.cancelRun, { params: { runId: HERE }, body: { why: "x" } })?.issues[0]?.path,
    ).toBe("why");
    expect(refusalOf(ROUTES.cancelRun, { params: { runId: HERE } })).toBeUndefined();
  });

  it("refuses plaintext, another kind, and a blob sealed for another workspace, naming the field", () => {
    const cases = ["hello", blob("log"), blob("parameters", ELSEWHERE)];
    for (const parameters of cases) {
      const refusal = refusalOf(ROUTES.createRun, { body: { flowName: "f", parameters } });
      expect(refusal).toMatchObject({
        code: "plaintext_refused",
        issues: [{ path: "parameters" }],
      });
    }
  });

  it("looks for foreign seals in lists and variants", () => {
    const fence = { runId: HERE, epoch: 1, leaseToken: "a".repeat(32) };
    const log = { kind: "log", ...fence, sequence: 0, lineCount: 1, chunk: blob("log", ELSEWHERE) };
    const runs = [{ flowName: "f" }, { flowName: "f", parameters: blob("parameters", ELSEWHERE) }];
    expect(refusalOf(ROUTES.report, { body: { items: [log] } })?.issues).toMatchObject([
      { path: "items.0.chunk" },
    ]);
    expect(refusalOf(ROUTES.createRuns, { body: { runs } })?.issues).toMatchObject([
      { path: "runs.1.parameters" },
    ]);
  });
});
