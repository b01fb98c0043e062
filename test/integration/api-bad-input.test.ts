import { Problem } from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { sampleRequests } from "./api-route-samples.ts";

describeEachDatabase("bad input to the API", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  async function send(
    method: "POST" | "GET" | "PUT",
    url: string,
    payload?: string | object,
    type = "application/json",
  ) {
    const agent = await agentToken();
    const authorization = `Bearer ${url.startsWith("/v1/agent/") ? agent : here.token}`;
    const headers = { authorization, ...(payload !== undefined && { "content-type": type }) };
    const response = await api.app.inject({
      method,
      url,
      headers,
      ...(payload !== undefined && { payload }),
    });
    return { status: response.statusCode, problem: Problem.parse(response.json()) };
  }
  let enrolled: Promise<string> | undefined;
  const agentToken = (): Promise<string> =>
    (enrolled ??= api.enrol(here).then(({ token }) => token));

  it.each([
    ["text that is no JSON", `{"flowName":`],
    ["text that is no JSON and secret", `{"flowName": "4242 4242" 4242}`],
  ])("answers 400 to %s, quoting nothing of it", async (_what, payload) => {
    const { status, problem } = await send("POST", "/v1/runs", payload);
    expect({ status, code: problem.code }).toEqual({ status: 400, code: "body_malformed" });
    expect(JSON.stringify(problem)).not.toContain("4242");
  });

  it("answers 400 to another content type, and to no body", async () => {
    expect(
      await send("POST", "/v1/runs", "flowName=x", "application/x-www-form-urlencoded"),
    ).toMatchObject({
      status: 400,
      problem: { code: "body_malformed" },
    });
    expect(await send("POST", "/v1/runs")).toMatchObject({
      status: 400,
      problem: { code: "validation_failed" },
    });
  });

  it("answers 413 to a body over 8 MiB", async () => {
    const payload = JSON.stringify({ flowName: "x".repeat(8 * 1024 * 1024) });
    expect(await send("POST", "/v1/runs", payload)).toMatchObject({
      status: 413,
      problem: { code: "payload_too_large" },
    });
  });

  it.each([
    ["an unknown field", "POST", "/v1/runs", { flowName: "f", colour: "red" }, "colour"],
    ["a wrong type", "POST", "/v1/runs", { flowName: "f", tags: "one" }, "tags"],
    ["a missing field", "POST", "/v1/runs", {}, "flowName"],
    ["a name that is none", "POST", "/v1/pools", { name: "../etc" }, "name"],
    [
      "a private key where a public one belongs",
      "PUT",
      "/v1/workspace/key",
      privateKey(),
      "publicJwk.d",
    ],
    ["an unknown query field", "GET", "/v1/runs?color=red", undefined, "color"],
    ["a state that is none", "GET", "/v1/runs?stateType=SLEEPING", undefined, "stateType.0"],
    ["a limit beyond the limit", "GET", "/v1/runs?limit=1000", undefined, "limit"],
    ["an id that is none", "GET", "/v1/runs/not-an-id", undefined, "runId"],
    ["a cursor no page returned", "GET", "/v1/runs?cursor=abc", undefined, "cursor"],
  ] as const)("answers 400 to %s and names it", async (...row) => {
    const [, method, url, payload, field] = row;
    const { status, problem } = await send(method, url, payload);
    expect({ status, code: problem.code }).toEqual({ status: 400, code: "validation_failed" });
    expect(problem.issues?.map(({ path }) => path)).toContain(field);
  });

  it("refuses example values in a parameter schema: they would be customer data", async () => {
    const body = (await sampleRequests(here)).deploy.body as { deployments: object[] };
    const parameterSchema = {
      properties: { default: { type: "string" }, year: { default: 4242 } },
    };
    const deployments = [{ ...body.deployments[0], parameterSchema }];
    const refused = await send("POST", "/v1/deployments", { deployments });
    expect(refused).toMatchObject({ status: 422, problem: { code: "plaintext_refused" } });
    expect(refused.problem.issues?.[0]?.path).toBe("deployments.0.parameterSchema");
    expect(JSON.stringify(refused.problem)).not.toContain("4242");
  });

  it("names an unknown flow, deployment and pool", async () => {
    await here.deploy("known");
    const unknownFlow = await send("POST", "/v1/runs", { flowName: "nope" });
    expect(unknownFlow).toMatchObject({ status: 404, problem: { code: "flow_not_found" } });
    expect(unknownFlow.problem.message).toContain(`"nope"`);
    const unknownDeployment = await send("POST", "/v1/runs", {
      flowName: "known",
      deploymentName: "staging",
    });
    expect(unknownDeployment.problem.message).toMatch(/"known".*"staging"/);
    await expect(here.deploy("known", "no-pool")).rejects.toMatchObject({ code: "pool_not_found" });
  });

  it("answers 404 with a problem to an unknown route", async () => {
    const { status, problem } = await send("GET", "/v1/nothing/here?secret=4242");
    expect({ status, code: problem.code }).toEqual({ status: 404, code: "not_found" });
    expect(problem.message).not.toContain("4242");
    expect((await send("GET", "/v1/%zz")).status).toBe(404);
  });

  it("answers 405 to a method that a path does not take, and names those it takes", async () => {
    const asked = async (method: "PUT" | "DELETE" | "OPTIONS", url: string) => {
      const response = await api.app.inject({ method, url });
      return [response.statusCode, response.headers["allow"], response.json().message];
    };
    const runs = await asked("DELETE", "/v1/runs?limit=5");
    expect(runs).toEqual([405, "GET, HEAD, POST", "/v1/runs takes GET, HEAD, POST, not DELETE."]);
    const run = "/v1/runs/00000000-0000-7000-8000-000000000000";
    expect((await asked("PUT", run)).slice(0, 2)).toEqual([405, "DELETE, GET, HEAD"]);
    expect((await asked("OPTIONS", `${run}/cancel`)).slice(0, 2)).toEqual([405, "POST"]);
    expect((await asked("PUT", `${run}/nothing`)).slice(0, 2)).toEqual([404, undefined]);
  });

  it("registers the workspace's key once", async () => {
    const key = { keyId: "", publicJwk: publicKey() };
    const wrong = await send("PUT", "/v1/workspace/key", { ...key, keyId: "A".repeat(43) });
    expect(wrong).toMatchObject({ status: 400, problem: { issues: [{ path: "keyId" }] } });
  });
});

function publicKey() {
  return { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) };
}

function privateKey() {
  return { keyId: "A".repeat(43), publicJwk: { ...publicKey(), d: "C".repeat(43) } };
}
