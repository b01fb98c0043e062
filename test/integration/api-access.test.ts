import { randomUUID } from "node:crypto";
import { mkdtemp, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createSigningKeys, loadSigningKeys } from "@downbeat/api";
import {
  leasesOf,
  Problem,
  ROLES,
  ROUTES,
  type Access,
  type Role,
  type RouteName,
  type RouteSpec,
} from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  fenceOf,
  startTestApi,
  transition,
  type TestAgent,
  type TestApi,
  type TestWorkspace,
} from "./api-harness.ts";
import { sampleRequests } from "./api-route-samples.ts";
import { requestBody } from "./request-body.ts";

const PRIVATE_ROUTES = (Object.entries(ROUTES) as [RouteName, RouteSpec][]).filter(
  ([, { access }]) => !access.includes("public"),
);
// Routes that name a thing of the workspace in their path.
// A PUT makes what its path names, in the caller's own workspace: there is nothing of others it could find.
const ADDRESSED_ROUTES = PRIVATE_ROUTES.filter(
  ([, { params, method }]) => params !== undefined && method !== "PUT",
).map(([name]) => name);

const NO_BODY = { payload: undefined, headers: {} };

// Written out here once more, so that a slip in the server's own reading shows.
function isAllowed(role: Role | "agent", access: readonly Access[]): boolean {
  const least = access.find((needed) => needed !== "agent") as Role | undefined;
  if (role === "agent") return access.includes("agent");
  return least !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(least);
}

describeEachDatabase("access to the API", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let samples: Awaited<ReturnType<typeof sampleRequests>>;
  let agent: TestAgent;
  const tokens = new Map<Role | "agent", string>();

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    samples = await sampleRequests(here);
    agent = await api.enrol(here);
    tokens.set("agent", agent.token);
    for (const role of ROLES) {
      const { text } = await here.admin.call("createApiKey", { body: { name: role, role } });
      tokens.set(role, await api.tokenOf(text));
    }
  });
  afterAll(() => api.app.close());

  async function request(name: RouteName, token: string | undefined, sample = samples[name]) {
    const spec: RouteSpec = ROUTES[name];
    const { method, path: template } = spec;
    const { params = {}, query = {}, body } = sample;
    const url = template.replaceAll(/:(\w+)/g, (_, key: string) =>
      encodeURIComponent(params[key] ?? ""),
    );
    const { payload, headers } = body === undefined ? NO_BODY : requestBody(spec, body);
    const response = await api.app.inject({
      method: method as "GET",
      url: `${url}?${new URLSearchParams(query).toString()}`,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(payload !== undefined && { payload }),
    });
    return { status: response.statusCode, body: response.json<unknown>() };
  }

  it.each(PRIVATE_ROUTES)("%s answers 401 without credentials", async (name) => {
    const { status, body } = await request(name, undefined);
    expect(status).toBe(401);
    expect(Problem.parse(body).code).toBe("credentials_missing");
  });

  it.each(PRIVATE_ROUTES)("%s answers 401 to a token of another server", async (name) => {
    const [header, payload] = here.token.split(".");
    const { status, body } = await request(name, `${header}.${payload}.${"A".repeat(86)}`);
    expect(status).toBe(401);
    expect(Problem.parse(body).code).toBe("credentials_invalid");
  });

  it.each(PRIVATE_ROUTES)(
    "%s lets in the roles of the table and answers 403 to the others",
    async (name, spec) => {
      for (const [role, token] of tokens) {
        const { status, body } = await request(name, token);
        const refused = status === 403 && Problem.parse(body).code === "role_insufficient";
        expect({ role, refused }).toEqual({ role, refused: !isAllowed(role, spec.access) });
      }
    },
  );

  it("never answers with a server error to a well-formed request about nothing", async () => {
    for (const [name] of PRIVATE_ROUTES) {
      const { status, body } = await request(name, here.token);
      expect({ name, body, isServerError: status >= 500 }).toMatchObject({
        name,
        isServerError: false,
      });
    }
  });

  describe("from another workspace", () => {
    let stranger: TestWorkspace;
    let addressed: Record<string, string>;

    beforeAll(async () => {
      stranger = await api.workspace("elsewhere");
      const deploymentId = await here.deploy("secret-flow", "default");
      await here.admin.call("createPool", { body: { name: "secret-pool" } });
      const { apiKey } = await here.admin.call("createApiKey", {
        body: { name: "k", role: "viewer" },
      });
      const run = await here.admin.call("createRun", { body: { flowName: "secret-flow" } });
      addressed = {
        deploymentId,
        apiKeyId: apiKey.id,
        runId: run.id,
        flowName: "secret-flow",
        deploymentName: "default",
        poolName: "secret-pool",
        limitName: "secret-limit",
      };
      const limit = { params: { limitName: "secret-limit" }, body: { slots: 1 } };
      await here.admin.call("setLimit", limit);
    });

    it.each(ADDRESSED_ROUTES)("%s answers 404, as for a thing that never was", async (name) => {
      // Sealed by the stranger, for the stranger: only the address is somebody else's.
      const { body } = (await sampleRequests(stranger))[name];
      const sample = { ...samples[name], params: addressed, ...(body !== undefined && { body }) };
      const theirs = await request(name, stranger.token, sample);
      expect(theirs.status).toBe(404);
      expect(JSON.stringify(theirs.body)).not.toContain(here.workspaceId);
    });

    it("a limit of the same name is another limit", async () => {
      const params = { limitName: "secret-limit" };
      const before = await here.admin.call("readLimit", { params });
      const theirs = await stranger.admin.call("setLimit", { params, body: { slots: 9 } });
      expect(theirs.id).not.toBe(before.id);
      expect(await here.admin.call("readLimit", { params })).toEqual(before);
      await stranger.admin.call("removeLimit", { params });
      expect(await here.admin.call("readLimit", { params })).toEqual(before);
    });

    it("lists show nothing of it", async () => {
      const lists = await Promise.all([
        stranger.admin.call("listRuns", { query: {} }),
        stranger.admin.call("listFlows", { query: {} }),
        stranger.admin.call("listDeployments", { query: {} }),
        stranger.admin.call("listAgents", { query: {} }),
      ]);
      expect(lists.map(({ items }) => items.length)).toEqual([0, 0, 0, 0]);
      const keys = await stranger.admin.call("listApiKeys", { query: {} });
      expect(keys.items).toHaveLength(1);
    });

    it("cannot report, beat, claim or release for its sessions and runs", async () => {
      const intruder = await api.enrol(stranger);
      const { sessionId } = await agent.caller.call("openSession", {
        body: { capacity: 50, version: "1" },
      });
      const claimed = { sessionId, claimRequestId: randomUUID(), max: 50, waitSeconds: 0 };
      const leases = leasesOf(await agent.caller.call("claim", { body: claimed }));
      const [lease] = leases.filter(({ runId }) => runId === addressed["runId"]);
      if (lease === undefined) throw new Error("The run was not claimed.");
      const fence = fenceOf(lease);
      const item = transition(lease, "RUNNING");
      const { outcomes } = await intruder.caller.call("report", { body: { items: [item] } });
      expect(outcomes).toEqual([{ status: "fenced", state: null, waitSeconds: null }]);
      const beat = { sessionId, tick: 1, runs: [] };
      await expect(intruder.caller.call("heartbeat", { body: beat })).rejects.toMatchObject({
        code: "session_ended",
      });
      await expect(intruder.caller.call("claim", { body: claimed })).rejects.toMatchObject({
        code: "session_ended",
      });
      const released = await intruder.caller.call("release", {
        body: { sessionId, runs: [fence], endSession: true },
      });
      expect(released).toEqual({ released: 0 });
      expect(
        (await here.admin.call("readRun", { params: { runId: lease.runId } })).state.type,
      ).toBe("PENDING");
    });
  });

  it("exchanges an API key, and says who it is", async () => {
    const me = await here.admin.call("whoAmI", {});
    expect(me).toMatchObject({
      kind: "api-key",
      role: "admin",
      workspace: { id: here.workspaceId, name: "here" },
    });
    expect(await agent.caller.call("whoAmI", {})).toMatchObject({
      kind: "agent",
      id: agent.agentId,
      role: "agent",
    });
  });

  it("refuses a wrong, truncated, expired or revoked API key", async () => {
    const grant = (apiKey: string) =>
      api.anonymous.call("exchangeToken", { body: { grant: "api_key", apiKey } });
    await expect(grant(here.apiKey.slice(0, -2))).rejects.toMatchObject({
      code: "credentials_invalid",
    });
    const expiring = { name: "old", role: "viewer", expiresAt: "2020-01-01T00:00:00Z" } as const;
    const expired = await here.admin.call("createApiKey", { body: expiring });
    await expect(grant(expired.text)).rejects.toMatchObject({ code: "credentials_expired" });
    const revoked = await here.admin.call("createApiKey", {
      body: { name: "gone", role: "viewer" },
    });
    const stillValid = api.withToken(await api.tokenOf(revoked.text));
    await stillValid.call("listRuns", { query: {} });
    const answer = await here.admin.call("revokeApiKey", {
      params: { apiKeyId: revoked.apiKey.id },
    });
    expect(answer.revoked).toBe(true);
    await expect(grant(revoked.text)).rejects.toMatchObject({ code: "credentials_invalid" });
    await expect(stillValid.call("listRuns", { query: {} })).rejects.toMatchObject({
      code: "credentials_invalid",
    });
  });

  it("takes an enrolment token once, and an assertion signed with the enrolled key only", async () => {
    const { token } = await here.admin.call("createEnrolmentToken", {
      params: { poolName: "default" },
    });
    const publicJwk = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) } as const;
    const body = { token, name: "once", publicJwk };
    const answer = await api.anonymous.call("enrolAgent", { body });
    // The same enrolment again: its answer may have been lost on the way.
    expect(await api.anonymous.call("enrolAgent", { body })).toEqual(answer);
    const others = [
      { ...body, publicJwk: { ...publicJwk, x: "C".repeat(43) } },
      { ...body, name: "twice" },
    ];
    for (const other of others) {
      await expect(api.anonymous.call("enrolAgent", { body: other })).rejects.toMatchObject({
        code: "credentials_invalid",
      });
    }
    const first = await api.enrol(here, { name: "renewed" });
    const again = await api.enrol(here, { name: "renewed" });
    expect(again.agentId).toBe(first.agentId);
    const stale = { grant: "agent_assertion", assertion: await first.assertion() } as const;
    await expect(api.anonymous.call("exchangeToken", { body: stale })).rejects.toMatchObject({
      code: "credentials_invalid",
    });
  });
});

describe("signing keys", () => {
  it("are made once with mode 0600 and read ever after", async () => {
    const file = path.join(
      await mkdtemp(path.join(tmpdir(), "downbeat-keys-")),
      "api",
      "signing-key.json",
    );
    const made = await loadSigningKeys({ jwkSet: undefined, file });
    const read = await loadSigningKeys({ jwkSet: undefined, file });
    expect(read.current.keyId).toBe(made.current.keyId);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeFile(file, `{"keys":[]}`);
    await expect(loadSigningKeys({ jwkSet: undefined, file })).rejects.toMatchObject({
      code: "configuration_invalid",
    });
    expect(createSigningKeys().current.keyId).not.toBe(made.current.keyId);
  });
});
