import { randomUUID } from "node:crypto";
import { Problem, ROUTES, readSealedHeader, type Run } from "@downbeat/contract";
import { createKeyset, createOpener, openKeyring, publicKeyOf, type Opener } from "@downbeat/seal";
import { describeEachDatabase } from "@downbeat/testkit";
import { calculateJwkThumbprint } from "jose";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";

const SECRET = "Ada Lovelace, 4242";

describeEachDatabase("parameters in clear", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let keyset: Awaited<ReturnType<typeof createKeyset>>;
  let opener: Opener;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    keyset = await createKeyset({ workspaceId: here.workspaceId, now: new Date() });
    const { keyId, publicJwk } = publicKeyOf(keyset);
    await here.admin.call("setWorkspaceKey", { body: { keyId, publicJwk } });
    const keyring = await openKeyring(keyset);
    opener = createOpener(keyring, { fetchDataKeys: async () => [] });
    await deploy(here, "open", true);
    await deploy(here, "closed", false);
  });
  afterAll(() => api.app.close());

  async function deploy(workspace: TestWorkspace, flowName: string, hostTransit?: boolean) {
    const place = { kind: "entrypoint", dep: `${flowName}/default` } as const;
    const entrypoint = await workspace.seal(place, { path: "a.ts", export: "a" });
    const spec = { flowName, contentHash: "0".repeat(64), entrypoint };
    const given = hostTransit === undefined ? spec : { ...spec, hostTransit };
    const { deployments } = await workspace.admin.call("deploy", {
      body: { deployments: [given] },
    });
    return deployments[0];
  }

  async function trigger(body: object, { token }: { token: string } = here) {
    const { method, path: url } = ROUTES.createRun;
    const headers = { authorization: `Bearer ${token}` };
    const response = await api.app.inject({ method, url, headers, payload: body });
    const { statusCode: status, body: text } = response;
    expect(text).not.toContain(SECRET);
    return { status, text, answer: JSON.parse(text) as unknown };
  }

  const refused = async (body: object, workspace = here) => {
    const { status, answer } = await trigger(body, workspace);
    return { status, ...Problem.parse(answer) };
  };
  const read = async (runId: string) => here.admin.call("readRun", { params: { runId } });

  it("are sealed for the workspace, so that a key holder opens them in their place alone", async () => {
    const parameters = JSON.parse(
      `{"name":"${SECRET}","list":[1,null],"__proto__":{"":{}}}`,
    ) as object;
    const { status, answer } = await trigger({ flowName: "open", parameters });
    expect(status).toBe(201);
    const run = await read((answer as Run).id);
    expect(run.hostTransit).toBe(true);
    const blob = run.parameters ?? "";
    expect(readSealedHeader(blob)).toMatchObject({ kid: keyset.keyId, via: "host" });
    const place = { kind: "parameters", dep: "open/default" } as const;
    expect(JSON.stringify(await opener.open(blob, place))).toBe(JSON.stringify(parameters));
    const elsewhere = { ...place, dep: "closed/default" };
    await expect(opener.open(blob, elsewhere)).rejects.toMatchObject({ code: "wrong_context" });
  });

  it("are bound to the run where the caller has chosen its id", async () => {
    const runId = uuidv7();
    await trigger({ flowName: "open", runId, parameters: { name: SECRET } });
    const blob = (await read(runId)).parameters ?? "";
    const place = { kind: "parameters", dep: "open/default" } as const;
    expect(await opener.open(blob, { ...place, run: runId })).toEqual({ name: SECRET });
    const other = opener.open(blob, { ...place, run: uuidv7() });
    await expect(other).rejects.toMatchObject({ code: "wrong_context" });
  });

  it("make one run for one idempotency key, though each time they are sealed anew", async () => {
    const body = { flowName: "open", idempotencyKey: randomUUID(), parameters: { name: SECRET } };
    const [first, second] = [await trigger(body), await trigger(body)];
    expect(first.status).toBe(201);
    expect((second.answer as Run).id).toBe((first.answer as Run).id);
  });

  it("are refused by every other deployment, saying which field, why, and what to do", async () => {
    for (const flowName of ["closed", "nowhere"]) {
      const problem = await refused({ flowName, parameters: { name: SECRET } });
      expect(problem).toMatchObject({ status: 422, code: "plaintext_refused" });
      expect(problem.issues).toMatchObject([{ path: "parameters" }]);
      expect(problem.message).toContain(`"${flowName}/default"`);
      expect(problem.remedy).toContain("hostTransit");
    }
  });

  it("are refused again after a deploy that does not ask for them", async () => {
    expect(await deploy(here, "for-a-while", true)).toMatchObject({ hostTransit: true });
    const body = { flowName: "for-a-while", parameters: {} };
    expect((await trigger(body)).status).toBe(201);
    expect(await deploy(here, "for-a-while")).toMatchObject({ hostTransit: false });
    expect(await refused(body)).toMatchObject({ code: "plaintext_refused" });
  });

  it("are no business of another workspace's deployment of that name", async () => {
    const elsewhere = await api.workspace("elsewhere");
    await deploy(elsewhere, "open", false);
    const body = { flowName: "open", parameters: { name: SECRET } };
    expect(await refused(body, elsewhere)).toMatchObject({ code: "plaintext_refused" });
  });

  it("leave sealed parameters as they are", async () => {
    const place = { kind: "parameters", dep: "open/default" } as const;
    const parameters = await here.seal(place, { name: SECRET });
    const { answer } = await trigger({ flowName: "open", parameters });
    expect(await read((answer as Run).id)).toMatchObject({ parameters, hostTransit: false });
    const none = await trigger({ flowName: "open" });
    expect(await read((none.answer as Run).id)).toMatchObject({
      parameters: null,
      hostTransit: false,
    });
  });

  it("are taken up to the size of sealed ones, and not nested without end", async () => {
    const large = (bytes: number) => ({
      flowName: "open",
      parameters: { text: "x".repeat(bytes) },
    });
    expect((await trigger(large(570_000))).status).toBe(201);
    expect(await refused(large(600_000))).toMatchObject({ status: 413, code: "payload_too_large" });
    const depth = 400_000;
    const { method, path: url } = ROUTES.createRun;
    const response = await api.app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${here.token}`, "content-type": "application/json" },
      payload: `{"flowName":"open","parameters":{"deep":${"[".repeat(depth)}${"]".repeat(depth)}}}`,
    });
    expect(response.statusCode).toBe(400);
    expect(Problem.parse(response.json()).issues).toMatchObject([{ path: "parameters" }]);
  });

  it("cannot be signed for", async () => {
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString("base64url");
    const runId = uuidv7();
    const header = { alg: "ES256", typ: "dnb-trigger+jws", kid: "A".repeat(43) };
    const statement = {
      ws: here.workspaceId,
      dep: "open/default",
      run: runId,
      parameters: null,
      at: null,
      iat: 1,
      exp: 2,
    };
    const signature = `${part(header)}.${part(statement)}.${"A".repeat(86)}`;
    const problem = await refused({ flowName: "open", runId, signature, parameters: {} });
    expect(problem).toMatchObject({ code: "validation_failed", issues: [{ path: "signature" }] });
  });

  it("wait for a key that they can be sealed to", async () => {
    const keyless = await api.workspace("keyless");
    await deploy(keyless, "open", true);
    const body = { flowName: "open", parameters: { name: SECRET } };
    expect(await refused(body, keyless)).toMatchObject({
      status: 409,
      code: "workspace_key_unusable",
    });
    // A point that is not on the curve: its thumbprint is right, and no one can seal to it.
    const publicJwk = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) } as const;
    const keyId = await calculateJwkThumbprint(publicJwk);
    await keyless.admin.call("setWorkspaceKey", { body: { keyId, publicJwk } });
    expect(await refused(body, keyless)).toMatchObject({
      code: "workspace_key_unusable",
      message: expect.stringContaining(keyId),
    });
  });
});
