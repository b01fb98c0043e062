import { ROUTES, type RouteName, type RouteSpec } from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { sampleRequests } from "./api-route-samples.ts";

type Request = { readonly params: object; readonly query: object; readonly body?: unknown };
type Leaf = { readonly path: readonly (string | number)[]; readonly value: unknown };

const ODD_TEXTS = ["", "a\u0000b", "\ud800", "0000-01-01T00:00:00Z", "2026-01-01T00:00:00-23:59"];
const ODD_NUMBERS = [-1, 5e-324, 2 ** 31, Number.MAX_SAFE_INTEGER];

describeEachDatabase("odd values in requests", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let agentToken: string;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    agentToken = (await api.enrol(here)).token;
  });
  afterAll(() => api.app.close());

  it.each(Object.keys(ROUTES) as RouteName[])(
    "%s answers each of them, and never 5xx",
    async (name) => {
      const {
        params = {},
        query = {},
        body,
      } = { ...(await sampleRequests(here))[name], ...MORE[name] };
      const request = { params, query: { ...queryOf(name), ...query }, body };
      const failed: object[] = [];
      for (const leaf of leavesOf(request, [])) {
        for (const odd of typeof leaf.value === "number" ? ODD_NUMBERS : ODD_TEXTS) {
          const status = await statusOf(name, replaced(request, leaf.path, odd) as Request);
          if (status >= 500) failed.push({ path: leaf.path.join("."), odd, status });
        }
      }
      expect(failed).toEqual([]);
    },
  );

  it("lists refuse cursors that look like their own", async () => {
    await here.deploy("listed");
    const { id } = await here.admin.call("createRun", { body: { flowName: "listed" } });
    const looksAlike: { readonly [N in RouteName]?: readonly string[] } = {
      listTaskRuns: [
        `9999-99-99T99:99:99Z_${id}`,
        `0000-01-01T00:00:00Z_${id}`,
        `infinity_${"-".repeat(36)}`,
      ],
      listArtifacts: [`9999999999.1.${"A".repeat(43)}`],
      listRuns: ["-".repeat(36)],
    };
    for (const [name, cursors] of Object.entries(looksAlike) as [RouteName, string[]][]) {
      const params = name === "listRuns" ? {} : { runId: id };
      for (const cursor of cursors)
        expect([cursor, await statusOf(name, { params, query: { cursor } })]).toEqual([
          cursor,
          400,
        ]);
    }
    for (const name of ["listLogChunks", "listLogManifests"] as const)
      for (const after of ["9999999999.0", "0.9999999999"])
        expect(await statusOf(name, { params: { runId: id }, query: { after } })).toBe(400);
  });

  async function statusOf(name: RouteName, { params, query, body }: Request): Promise<number> {
    const { method, path, access, lines }: RouteSpec = ROUTES[name];
    const url = path.replaceAll(/:(\w+)/g, (_, key: string) =>
      encodeURIComponent(wellFormed(params[key as keyof object])),
    );
    const entries = Object.entries(query).map(([key, value]) => [key, wellFormed(value)]);
    const { statusCode } = await api.app.inject({
      method,
      url: `${url}?${new URLSearchParams(entries)}`,
      headers: {
        authorization: `Bearer ${access.includes("agent") ? agentToken : here.token}`,
        "content-type": lines === undefined ? "application/json" : "application/x-ndjson",
      },
      ...(body !== undefined && { payload: JSON.stringify(body) }),
    });
    return statusCode;
  }
});

/** Fields that the samples leave out. */
const MORE: { readonly [N in RouteName]?: Partial<Request> } = {
  createPool: { body: { name: "odd", concurrencyLimit: 1 } },
  updatePool: { body: { concurrencyLimit: 1 } },
  createQueue: { body: { name: "odd", priority: 1, concurrencyLimit: 1 } },
  setLimit: { body: { slots: 1, rate: { perSecond: 1, burst: 1 }, tag: "odd" } },
  createApiKey: { body: { name: "odd", role: "viewer", expiresAt: "2030-01-01T00:00:00Z" } },
};

function queryOf(name: RouteName): object {
  const { query }: RouteSpec = ROUTES[name];
  return Object.fromEntries(Object.keys(query?.shape ?? {}).map((key) => [key, 1]));
}

function leavesOf(value: unknown, path: readonly (string | number)[]): Leaf[] {
  if (typeof value !== "object" || value === null) return value == null ? [] : [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function replaced(
  value: unknown,
  [key, ...rest]: readonly (string | number)[],
  by: unknown,
): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

// What a URL cannot hold never gets there.
function wellFormed(value: unknown): string {
  return String(value).replace("\ud800", "\ufffd");
}
