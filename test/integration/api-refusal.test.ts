import { randomUUID } from "node:crypto";
import {
  fieldsOf,
  openApiDocument,
  Problem,
  ROUTES,
  type RouteName,
  type RouteSpec,
} from "@downbeat/contract";
import { createKeyset, publicKeyOf } from "@downbeat/seal";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { sampleRequests } from "./api-route-samples.ts";
import { asRequestOfItsOwn, requestBody } from "./request-body.ts";
import { sealedFieldsOfDocument } from "./sealed-openapi-fields.ts";
import { setAt, valuesAt } from "./value-paths.ts";

const SECRET = "Ada Lovelace, 4242 4242 4242 4242";
const BASE64 = Buffer.from(SECRET).toString("base64url");
const NONCE = "A".repeat(16);
const TAG = "A".repeat(22);

/** Customer data as somebody might try to get it past the refusal. */
const PLAINTEXTS: readonly [name: string, plaintext: unknown][] = [
  ["raw text", SECRET],
  ["a JSON text", JSON.stringify({ name: SECRET })],
  ["a JSON object", { name: SECRET }],
  ["a list", [SECRET]],
  ["a number", 4242_4242_4242_4242],
  ["base64", BASE64],
  ["hexadecimal", Buffer.from(SECRET).toString("hex")],
  ["five words with dots", SECRET.split(" ").slice(0, 5).join(".")],
  ["base64 in the shape of a JWE", `${headerOf({ note: SECRET })}..${NONCE}.${BASE64}.${TAG}`],
  ["a JWE of another algorithm", `${headerOf({ alg: "none" })}..${NONCE}.${BASE64}.${TAG}`],
  ["a signed token", `${headerOf({ alg: "ES256" })}.${BASE64}.${TAG}`],
  ["an empty text", ""],
];

// Those of them that a deployment may let pass in clear. A new one shows here, and needs a reason.
const IN_TRANSIT = ["createRun parameters"];

// Every sealed field of every request, found in the published document: a new one is tested without anybody thinking of it.
const SEALED_FIELDS = sealedFieldsOfDocument(openApiDocument("0.0.0"));

describe("the OpenAPI document", () => {
  it("marks exactly those request fields as sealed that the contract labels so", () => {
    const labelled = (Object.entries(ROUTES) as [RouteName, RouteSpec][]).flatMap(([name, spec]) =>
      [spec.params, spec.query, spec.body]
        .flatMap((part) => (part === undefined ? [] : fieldsOf(part)))
        .filter(({ label }) => label?.boundary === "sealed" || label?.boundary === "transit")
        .map(({ path }) => `${name} ${path}`),
    );
    expect(SEALED_FIELDS.map(([name, path]) => `${name} ${path}`).toSorted()).toEqual(
      [...new Set(labelled)].toSorted(),
    );
    expect(SEALED_FIELDS.length).toBeGreaterThan(8);
  });

  it("lets only the parameters of a single trigger be labelled as in transit", () => {
    const labelled = (Object.entries(ROUTES) as [RouteName, RouteSpec][]).flatMap(([name, spec]) =>
      (["params", "query", "body", "response"] as const)
        .flatMap((part) => (spec[part] === undefined ? [] : fieldsOf(spec[part])))
        .filter(({ label }) => label?.boundary === "transit")
        .map(({ path }) => `${name} ${path}`),
    );
    expect(labelled).toEqual(IN_TRANSIT);
  });
});

describeEachDatabase("the API's refusal of plaintext", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let elsewhere: TestWorkspace;
  let open: TestWorkspace;
  let agentToken: string;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    elsewhere = await api.workspace("elsewhere");
    open = await api.workspace("open");
    await deployOpenly(open);
    agentToken = (await api.enrol(here)).token;
  });
  afterAll(() => api.app.close());

  describe.each(SEALED_FIELDS)("in %s, %s", (name, path) => {
    it.each(PLAINTEXTS)("meets %s, and names field and remedy", async (_, plaintext) => {
      const refused = await sendWith(name, path, plaintext);
      expect(refused).toMatchObject({ status: 422, problem: { code: "plaintext_refused" } });
      expect(refused.problem.remedy).toMatch(/docs\/sealing\.md/);
      const named = refused.problem.issues?.map((issue) => issue.path.replaceAll(/\.\d+/g, "[]"));
      expect(named).toContain(path);
      expect(JSON.stringify(refused.problem)).not.toMatch(/lovelace|4242 ?4242|TG92ZWxhY2/i);
    });

    it("meets what was sealed for another workspace", async () => {
      const samples = await sampleRequests(elsewhere);
      const [foreign] = valuesAt(samples[name].body, path);
      const refused = await sendWith(name, path, foreign);
      expect(refused).toMatchObject({ status: 422, problem: { code: "plaintext_refused" } });
      expect(refused.problem.message).toContain(elsewhere.workspaceId);
    });

    it("meets a blob of another kind", async () => {
      const other = await here.seal({ kind: "event" }, "x");
      const refused = await sendWith(name, path, other);
      expect(refused).toMatchObject({ status: 422, problem: { code: "plaintext_refused" } });
      expect(refused.problem.message).toContain(`sealed as kind "event"`);
    });
  });

  describe.each(SEALED_FIELDS)(
    "where a deployment takes parameters in clear, in %s, %s",
    (name, path) => {
      const isOpen = IN_TRANSIT.includes(`${name} ${path}`);
      it.each(PLAINTEXTS)(
        `meets %s ${isOpen ? "unless it is an object" : "all the same"}`,
        async (_, plaintext) => {
          const isTaken = isOpen && typeof plaintext === "object" && !Array.isArray(plaintext);
          const { status } = await postWith(name, path, plaintext, open);
          expect(status).toBe(isTaken ? 201 : 422);
        },
      );
    },
  );

  // The deployment that the samples trigger, with a key to seal to.
  async function deployOpenly({ admin, seal, workspaceId }: TestWorkspace): Promise<void> {
    const keyset = await createKeyset({ workspaceId, now: new Date() });
    const { keyId, publicJwk } = publicKeyOf(keyset);
    await admin.call("setWorkspaceKey", { body: { keyId, publicJwk } });
    const place = { kind: "entrypoint", dep: "nothing/default" } as const;
    const entrypoint = await seal(place, { path: "a.ts", export: "a" });
    const spec = {
      flowName: "nothing",
      contentHash: "0".repeat(64),
      entrypoint,
      hostTransit: true,
    };
    await admin.call("deploy", { body: { deployments: [spec] } });
  }

  async function sendWith(name: RouteName, path: string, value: unknown) {
    const { status, json } = await postWith(name, path, value, here);
    return { status, problem: Problem.parse(json) };
  }

  async function postWith(name: RouteName, path: string, value: unknown, from: TestWorkspace) {
    const sample = structuredClone((await sampleRequests(from))[name].body);
    expect(setAt(sample, path, value)).toBeGreaterThan(0);
    // Fields are checked before anything is looked up, so any id will do.
    const url = ROUTES[name].path.replaceAll(/:\w+Id/g, randomUUID());
    const token = ROUTES[name].path.startsWith("/v1/agent/") ? agentToken : from.token;
    const { payload, headers } = requestBody(ROUTES[name], sample);
    const response = await api.app.inject({
      method: ROUTES[name].method as "POST",
      url,
      headers: { ...headers, authorization: `Bearer ${token}` },
      payload,
    });
    const { statusCode: status } = response;
    return asRequestOfItsOwn(ROUTES[name], { status, json: response.json<unknown>() });
  }
});

function headerOf(fields: Record<string, string>): string {
  const header = { alg: "dir", enc: "A256GCM", typ: "dnb+jwe", ...fields };
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}
