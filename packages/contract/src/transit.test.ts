import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DeploymentSpec } from "./flow.ts";
import { RunSpec, TriggerSpec } from "./run.ts";
import { passedThroughHost, refuseUnsealed, type Sealed } from "./sealed.ts";
import { areClear, sealedOrClear } from "./transit.ts";
import { visitFields } from "./visit-fields.ts";

const HEADER = { alg: "dir", enc: "A256GCM", typ: "dnb+jwe", kid: randomUUID(), ws: randomUUID() };

function aBlob(header: Record<string, unknown>): Sealed<"parameters"> {
  const text = Buffer.from(JSON.stringify({ ...HEADER, ...header })).toString("base64url");
  return `${text}..${"A".repeat(16)}.AAAA.${"A".repeat(22)}` as Sealed<"parameters">;
}

const SEALED = aBlob({ kind: "parameters" });
const BY_HOST = aBlob({ kind: "parameters", via: "host" });

describe("parameters that may come in clear", () => {
  it("are a sealed blob or an object, which is handed on untouched", () => {
    const given = { year: 2014, list: [{ deep: null }] };
    expect(sealedOrClear().parse(given)).toBe(given);
    expect(sealedOrClear().parse(SEALED)).toBe(SEALED);
    expect([given, SEALED, null].map((value) => areClear(value as Sealed<"parameters">))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([["text"], [["a list"]], [2014], [true], [""], [aBlob({ kind: "log" })]])(
    "are nothing else: %j",
    (value) => {
      const issue = sealedOrClear().safeParse(value).error?.issues[0];
      expect(issue).toMatchObject({ params: { code: "plaintext_refused" } });
    },
  );

  it("are not taken where many runs are triggered at once", () => {
    const trigger = { flowName: "weather", parameters: { year: 2014 } };
    expect(TriggerSpec.safeParse(trigger).success).toBe(true);
    expect(RunSpec.safeParse(trigger).success).toBe(false);
  });

  it("are told apart field by field: sealed, or in transit", () => {
    const labels = [SEALED, { year: 2014 }].map((parameters) => {
      const seen: string[] = [];
      visitFields(TriggerSpec, { parameters }, (path, label) => seen.push(`${path} ${label}`));
      return seen;
    });
    expect(labels).toEqual([["parameters sealed"], ["parameters transit"]]);
  });
});

describe("the header of parameters that the host sealed", () => {
  it("says so, of parameters alone and in one word", () => {
    expect([BY_HOST, SEALED, null].map(passedThroughHost)).toEqual([true, false, false]);
    expect(refuseUnsealed(BY_HOST, "parameters")).toBeUndefined();
    expect(refuseUnsealed(aBlob({ kind: "input", via: "host" }), "input")).toContain("`via`");
    const other = aBlob({ kind: "parameters", via: "Ada Lovelace" });
    expect(refuseUnsealed(other, "parameters")).toContain("`via`");
  });
});

it("a deployment is signed or takes parameters in clear, never both", () => {
  const entrypoint = aBlob({ kind: "entrypoint" });
  const spec = { flowName: "weather", contentHash: "0".repeat(64), entrypoint };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const statement = {
    ws: randomUUID(),
    dep: "weather/default",
    pool: "default",
    contentHash: spec.contentHash,
    entrypoint: "A".repeat(43),
    defaults: null,
    timeoutSeconds: null,
    exclusive: false,
    iat: 1,
  };
  const header = { alg: "ES256", typ: "dnb-deployment+jws", kid: "A".repeat(43) };
  const signature = `${part(header)}.${part(statement)}.${"A".repeat(86)}`;
  expect(DeploymentSpec.parse(spec).hostTransit).toBe(false);
  expect(DeploymentSpec.safeParse({ ...spec, signature }).success).toBe(true);
  expect(DeploymentSpec.safeParse({ ...spec, hostTransit: true }).success).toBe(true);
  const issues = DeploymentSpec.safeParse({ ...spec, signature, hostTransit: true }).error?.issues;
  expect(issues).toMatchObject([
    { path: ["hostTransit"], message: expect.stringContaining("cannot go with a signature") },
  ]);
});
