import { createCaller } from "@downbeat/client/caller";
import { ROUTES } from "@downbeat/contract";
import { describe, expect, test } from "vitest";
import { createFetchTransport, type Fetch } from "./fetch-transport.ts";

const run = "0192aaaa-0000-7000-8000-000000000001";

describe("the page's transport", () => {
  test("asks its own origin by a relative path, without cookies", async () => {
    const asked: [string, RequestInit][] = [];
    const transport = createFetchTransport(async (url, init) => {
      asked.push([url, init]);
      return new Response(JSON.stringify({ items: [], nextCursor: null }));
    });
    const query = { stateType: ["FAILED", "CRASHED"] as const, cursor: undefined };
    await createCaller(transport, async () => "token").call("listRuns", { query });
    expect(asked[0]?.[0]).toBe("/v1/runs?stateType=FAILED%2CCRASHED");
    expect(asked[0]?.[1]).toMatchObject({ method: "GET", credentials: "omit", redirect: "error" });
  });

  test("knows only paths that stay on the origin", () => {
    for (const route of Object.values(ROUTES)) expect(route.path).toMatch(/^\/[^/]/);
  });

  test("says unreachable when nothing answers", async () => {
    const fetch: Fetch = async () => {
      throw new TypeError("Failed to fetch");
    };
    const call = createCaller(createFetchTransport(fetch)).call("whoAmI", {});
    await expect(call).rejects.toMatchObject({ code: "unreachable" });
  });

  test("lets an abort through, which is nobody's failure", async () => {
    const controller = new AbortController();
    const fetch: Fetch = async (_, init) => {
      controller.abort();
      throw init.signal?.reason;
    };
    const options = { signal: controller.signal };
    const call = createCaller(createFetchTransport(fetch)).call(
      "readRun",
      { params: { runId: run } },
      options,
    );
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
  });
});
