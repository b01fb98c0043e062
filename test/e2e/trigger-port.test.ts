import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";

describe("the trigger port of an agent", () => {
  let plane: Plane;
  let url: string;

  beforeAll(async () => {
    plane = await Plane.create(undefined);
    await plane.startApi();
    await plane.setUp();
    const agent = await plane.startAgent(["--trigger-port", "0"]);
    url = (await agent.waitForOutput(/"url":"(http[^"]+)"/))[1] ?? "";
  });
  afterAll(() => plane.dispose());

  async function post(path: string, parameters: object, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(parameters),
    });
    const answer = (await response.json()) as { runId?: string; code?: string };
    return { status: response.status, answer };
  }

  it("runs a flow with parameters in plain JSON, once per idempotency key, and checks them first", async () => {
    const secret = "marker-trigger-3c90af";
    const once = { "idempotency-key": "invoice 2026-03" };
    const first = await post("/run/markers", { secret }, once);
    expect(first.status).toBe(201);
    expect((await post("/run/markers", { secret }, once)).answer).toMatchObject({
      runId: first.answer.runId,
    });
    const params = { runId: first.answer.runId ?? "" };
    await waitFor(
      async () => (await plane.client().call("readRun", { params })).state.type === "COMPLETED",
      { deadlineMs: 30_000, describe: "COMPLETED" },
    );
    expect((await plane.cliOk(["runs", "logs", params.runId])).stdout).toContain(secret);
    expect(await post("/run/markers", { secret: 7 })).toMatchObject({
      status: 422,
      answer: { code: "parameters_invalid" },
    });
    expect((await post("/run/no-such-flow", {})).status).toBe(404);
  });
});
