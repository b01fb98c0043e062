import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { labelSealed, plain } from "./boundary.ts";
import { outgoing, OutgoingEvent } from "./outgoing-event.ts";
import { RunError, RunSpec } from "./run.ts";
import { sealed } from "./sealed.ts";

const EVENT = {
  id: randomUUID(),
  kind: "run.state_changed",
  at: "2026-01-05T09:00:00Z",
  workspaceId: randomUUID(),
  run: {
    id: randomUUID(),
    flowName: "weather",
    deploymentName: "nightly",
    stateType: "FAILED",
    stateName: "Failed",
    reason: "failed",
    errorClass: "TypeError",
    errorFingerprint: "A".repeat(43),
  },
  agent: null,
  url: "https://downbeat.example/runs/1",
};
const JWE = `eyJhbGciOiJkaXIifQ..${"A".repeat(16)}.AAAA.${"A".repeat(22)}`;

describe("an outgoing event", () => {
  it("carries metadata and a link", () => {
    expect(OutgoingEvent.parse(EVENT)).toEqual(EVENT);
  });

  it.each([
    ["parameters", { ...EVENT, parameters: JWE }],
    ["an error's detail", { ...EVENT, run: { ...EVENT.run, detail: JWE } }],
    ["a message as class", { ...EVENT, run: { ...EVENT.run, errorClass: "no row 4242" } }],
    ["something sealed as name", { ...EVENT, run: { ...EVENT.run, flowName: `${JWE}${JWE}` } }],
    ["something sealed in the link", { ...EVENT, url: `${EVENT.url}#${JWE}` }],
    ["something in the link's query", { ...EVENT, url: `${EVENT.url}?note=4242` }],
  ])("takes no %s", (_, event) => {
    expect(OutgoingEvent.safeParse(event).success).toBe(false);
  });

  it("cannot be declared with a sealed field, however deep", () => {
    const error = z.strictObject({ error: RunError });
    // @ts-expect-error RunError holds a sealed detail
    expect(() => outgoing(error)).toThrow(/error\.detail/);
    const runs = z.strictObject({ runs: z.array(RunSpec) });
    // @ts-expect-error RunSpec holds sealed parameters
    expect(() => outgoing(runs)).toThrow(/runs\[\]\.parameters/);
    const chunk = z.strictObject({ chunk: sealed("log").nullable() });
    // @ts-expect-error a sealed chunk
    expect(() => outgoing(chunk)).toThrow(/chunk/);
  });

  it("cannot be declared with a field that types as text and is not plain", () => {
    expect(() => outgoing(z.strictObject({ note: z.string() }))).toThrow(/note/);
    expect(() => outgoing(z.strictObject({ note: labelSealed(z.string()) }))).toThrow(/note/);
    expect(outgoing(z.strictObject({ note: plain(z.string()) })).parse({ note: "x" })).toEqual({
      note: "x",
    });
  });

  it("is a type of its own: what only looks like one does not pass for it", () => {
    // @ts-expect-error not parsed
    const unchecked: OutgoingEvent = EVENT;
    expect(unchecked.id).toBe(EVENT.id);
  });
});
