import { randomUUID } from "node:crypto";
import { createClient, type Client } from "@downbeat/client";
import { LINE_LIMIT_BYTES, Problem } from "@downbeat/contract";
import { describeEachDatabase, waitFor } from "@downbeat/testkit";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { openStream } from "./open-stream.ts";

describeEachDatabase("runs by stream", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let client: Client;
  let url: string;
  let flows = 0;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    url = await api.app.listen({ port: 0, host: "127.0.0.1" });
    client = createClient({ apiUrl: url, apiKey: here.apiKey });
  });
  afterAll(async () => {
    await client.close();
    await api.app.close();
  });

  async function aFlow(): Promise<string> {
    const flowName = `flow-${(flows += 1)}`;
    await here.deploy(flowName);
    return flowName;
  }
  const open = () => openStream(url, here.token);
  const lineOf = (spec: object): string => `${JSON.stringify(spec)}\n`;
  const madeOf = async (flowName: string): Promise<number> => {
    const body = { action: "cancel", filter: { flowName }, dryRun: true } as const;
    return (await here.admin.call("bulkRuns", { body })).matched;
  };
  const read = (runId: string | null) =>
    here.admin.call("readRun", { params: { runId: runId ?? "" } });
  const send = async (text: string) => {
    const stream = await open();
    stream.request.end(text);
    return stream.rest();
  };

  it("answers each line in its place, whatever is wrong with others", async () => {
    const flowName = await aFlow();
    const elsewhere = await api.workspace("elsewhere");
    const place = { kind: "parameters", dep: `${flowName}/default` } as const;
    const foreign = await elsewhere.seal(place, { year: 2013 });
    const sealed = await here.seal(place, { year: 2013 });
    const key = randomUUID();
    await here.admin.call("createDataKeys", { body: { dataKeys: [here.dataKey.wrapped] } });
    const lines = [
      { flowName, parameters: sealed, tags: ["first"] },
      { flowName: "nowhere" },
      { flowName, parameters: { year: 2013 } },
      { flowName, parameters: foreign },
      { flowName, colour: "red" },
      { flowName, runId: uuidv7(), idempotencyKey: key },
      { flowName, idempotencyKey: key },
      { flowName, idempotencyKey: key, tags: ["other"] },
      { flowName, tags: ["nothing the database keeps: \u0000"] },
      [],
    ].map(lineOf);
    const text = `${lines.join("")}{"flowName": "4242 4242" 4242}\n${lineOf({ flowName, tags: ["last"] })}`;
    const answers = await send(text);
    expect(JSON.stringify(answers)).not.toContain("4242");
    const outcomes = answers.map((line) => ("problem" in line ? line.problem.code : line.error));
    expect(outcomes.map((one) => (typeof one === "object" ? (one?.code ?? "made") : one))).toEqual([
      "made",
      "flow_not_found",
      "plaintext_refused",
      "plaintext_refused",
      "validation_failed",
      "validation_failed",
      "made",
      "idempotency_mismatch",
      "validation_failed",
      "validation_failed",
      "body_malformed",
      "made",
    ]);
    expect(outcomes[2]).toMatchObject({ issues: [{ path: "parameters" }] });
    expect(outcomes[4]).toMatchObject({ issues: [{ path: "colour" }] });
    expect(outcomes[8]).toMatchObject({ issues: [{ path: "tags.0" }] });
    const ids = answers.map((line) => ("runId" in line ? line.runId : null));
    expect(await read(ids[0] ?? null)).toMatchObject({ parameters: sealed, tags: ["first"] });
    expect((await read(ids.at(-1) ?? null)).tags).toEqual(["last"]);
    expect(await madeOf(flowName)).toBe(3);
  });

  it("takes lines however they end and wherever they were cut, and skips empty ones", async () => {
    const flowName = await aFlow();
    const stream = await open();
    const tags = ["ä", "€", "😀"];
    const text = `\n${tags.map((tag) => `{"flowName":"${flowName}","tags":["${tag}"]}\r\n\r\n \n`).join("")}{"flowName":"${flowName}"}`;
    for (const byte of Buffer.from(text)) {
      stream.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    stream.request.end();
    const answers = await stream.rest();
    expect(answers).toHaveLength(4);
    const runs = await Promise.all(
      answers.map((line) => read("runId" in line ? line.runId : null)),
    );
    expect(runs.map((run) => run.tags)).toEqual([...tags.map((tag) => [tag]), []]);
  });

  it("refuses a line that is too long, and goes on with the next", async () => {
    const flowName = await aFlow();
    const long = `{"flowName":"${"x".repeat(3 * LINE_LIMIT_BYTES)}"}`;
    const answers = await send(`${lineOf({ flowName })}${long}\n${lineOf({ flowName })}${long}`);
    expect(answers).toMatchObject([
      { error: null },
      { error: { code: "payload_too_large", message: expect.stringContaining("1048576 bytes") } },
      { error: null },
      { error: { code: "payload_too_large" } },
    ]);
  });

  it("answers a line at once while the body stays open", async () => {
    const flowName = await aFlow();
    const stream = await open();
    for (let made = 1; made <= 3; made += 1) {
      stream.write(lineOf({ flowName }));
      expect(await stream.next()).toMatchObject({ error: null });
      expect(await madeOf(flowName)).toBe(made);
    }
    stream.request.end();
    expect(await stream.next()).toBeUndefined();
  });

  it("makes many runs in order, over a client that takes and gives one at a time", async () => {
    const flowName = await aFlow();
    const runIds: string[] = [];
    async function* specs() {
      for (let left = 5_000; left > 0; left -= 1) {
        const runId = uuidv7();
        runIds.push(runId);
        yield { flowName, runId };
      }
    }
    let answered = 0;
    let furthestAhead = 0;
    for await (const { runId, error } of client.stream("createRunStream", specs())) {
      expect({ runId, error }).toEqual({ runId: runIds[answered], error: null });
      answered += 1;
      furthestAhead = Math.max(furthestAhead, runIds.length - answered);
    }
    expect(answered).toBe(5_000);
    expect(furthestAhead).toBeLessThanOrEqual(2_000);
    expect(await madeOf(flowName)).toBe(5_000);
    for await (const { runId } of client.stream("createRunStream", [
      { flowName, runId: runIds[7] ?? "" },
    ]))
      expect(runId).toBe(runIds[7]);
    expect(await madeOf(flowName)).toBe(5_000);
  });

  it("has made what it acknowledged and at most a batch when its caller is cut off; asking again doubles nothing", async () => {
    const flowName = await aFlow();
    const specs = Array.from({ length: 3_000 }, () => ({ flowName, runId: uuidv7() }));
    const stream = await open();
    stream.request.end(specs.map(lineOf).join(""));
    const first = await stream.next();
    expect(first).toEqual({ runId: specs[0]?.runId, error: null });
    stream.request.destroy();
    const seen = 1 + (await stream.rest().catch(() => [])).length;
    // Whoever asks for a run of the stream after it was cut comes behind the batch that was being written.
    await waitFor(async () => (await isQuiet(flowName)) && (await madeOf(flowName)) >= seen, {
      describe: "the last batch to be written",
    });
    const made = await madeOf(flowName);
    expect(made).toBeLessThan(specs.length);
    const outcomes = [];
    for await (const { runId } of client.stream("createRunStream", specs)) outcomes.push(runId);
    expect(outcomes).toEqual(specs.map(({ runId }) => runId));
    expect(await madeOf(flowName)).toBe(specs.length);
  });

  async function isQuiet(flowName: string): Promise<boolean> {
    const before = await madeOf(flowName);
    await here.admin.call("createRun", { body: { flowName: "nowhere" } }).catch(() => {});
    return (await madeOf(flowName)) === before;
  }

  it.each([
    ["another media type", { "content-type": "application/json" }],
    ["none", {}],
  ])("refuses %s, saying which it takes", async (_, headers: Record<string, string>) => {
    const response = await fetch(`${url}/v1/runs/stream`, {
      method: "POST",
      headers: { authorization: `Bearer ${here.token}`, ...headers },
      body: Buffer.from("{}"),
    });
    expect(response.status).toBe(400);
    const problem = Problem.parse(await response.json());
    expect(problem).toMatchObject({ code: "body_malformed" });
    expect(problem.message).toContain("application/x-ndjson");
  });

  it("refuses a query and takes an empty body", async () => {
    const headers = {
      authorization: `Bearer ${here.token}`,
      "content-type": "application/x-ndjson",
    };
    const ask = (query: string) =>
      fetch(`${url}/v1/runs/stream${query}`, { method: "POST", headers, body: "" });
    expect((await ask("?a=b")).status).toBe(400);
    const empty = await ask("");
    expect([empty.status, await empty.text()]).toEqual([200, ""]);
  });
});
