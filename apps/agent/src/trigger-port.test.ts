import { DownbeatError, type Run, type RunSpec } from "@downbeat/contract";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import type { TriggerRequest } from "./read-trigger.ts";
import { TriggerPort, type TriggerPortOptions } from "./trigger-port.ts";

const ports: TriggerPort[] = [];
afterEach(async () => {
  for (const port of ports.splice(0)) await port.close();
});

type Asked = TriggerRequest[];

async function open(
  over: Partial<TriggerPortOptions> = {},
): Promise<{ url: string; asked: Asked; log: string[] }> {
  const asked: Asked = [];
  const log: string[] = [];
  const triggers: TriggerPortOptions["triggers"] = {
    makeAll: async (requests) => {
      asked.push(...requests);
      return requests.map(({ flowName, parameters }) =>
        parameters["refuse"] === true
          ? { refusal: { code: "parameters_invalid", message: "year: expected a number" } }
          : ({ flowName, parameters: "sealed" } as unknown as RunSpec),
      );
    },
  };
  const call = async (_: string, { body }: { body: RunSpec }) => {
    if (body.flowName === "away") throw new DownbeatError("unreachable");
    return { id: "run-1", flowName: body.flowName, state: { type: "SCHEDULED" } } as Run;
  };
  const client = { call } as unknown as TriggerPortOptions["client"];
  const logger = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
  const port = await TriggerPort.open({
    port: 0,
    host: "127.0.0.1",
    token: undefined,
    triggers,
    client,
    logger,
    ...over,
  });
  ports.push(port);
  return { url: port.url, asked, log };
}

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const json = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", body, headers: { ...json, ...headers } });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

test("takes plain JSON for a flow, with or without its deployment", async () => {
  const { url, asked } = await open();
  const { status, answer } = await post(`${url}/run/weather`, '{"year":2014}');
  expect({ status, answer }).toMatchObject({ status: 201, answer: { runId: "run-1" } });
  await post(`${url}/run/weather%20report/nightly`, "", { "idempotency-key": "invoice 7" });
  expect(asked).toEqual([
    { flowName: "weather", deploymentName: "default", parameters: { year: 2014 }, tags: [] },
    {
      flowName: "weather report",
      deploymentName: "nightly",
      parameters: {},
      tags: [],
      idempotencyKey: "invoice 7",
    },
  ]);
});

test("hands a webhook to a flow as it came, so that its signature can be checked", async () => {
  const { url, asked } = await open({ token: "secret" });
  const body = '{"b": 2,\n "a": 1}';
  const headers = {
    "content-type": "text/plain",
    "x-signature": "sha256=1",
    authorization: "Bearer secret",
  };
  expect((await post(`${url}/hook/on-payment`, body, headers)).status).toBe(201);
  expect(asked[0]?.parameters).toMatchObject({ body, headers: { "x-signature": "sha256=1" } });
  expect(JSON.stringify(asked)).not.toContain("secret");
});

test.each([
  ["parameters that do not fit", "/run/weather", '{"refuse":true}', {}, 422, "parameters_invalid"],
  ["text that is no JSON", "/run/weather", "{unseen", {}, 400, "body_malformed"],
  ["a list", "/run/weather", '["unseen"]', {}, 400, "body_malformed"],
  [
    "another content type",
    "/run/weather",
    "{}",
    { "content-type": "text/plain" },
    400,
    "body_malformed",
  ],
  ["too much", "/run/weather", `"${"x".repeat(600_000)}"`, {}, 413, "payload_too_large"],
  ["an unknown path", "/runs", "{}", {}, 404, "not_found"],
  ["a name that is none", "/run/..%2f..", "{}", {}, 404, "not_found"],
  [
    "too long a key",
    "/run/weather",
    "{}",
    { "idempotency-key": "k".repeat(1001) },
    400,
    "validation_failed",
  ],
  ["a plane that is away", "/run/away", "{}", {}, 503, "unreachable"],
])("answers %s with a code, and logs nothing of it", async (...row) => {
  const [, path, body, headers, status, code] = row;
  const { url, log } = await open();
  expect(await post(`${url}${path}`, body, headers)).toMatchObject({ status, answer: { code } });
  expect(log.join("")).not.toMatch(/unseen|xxx|year/);
});

test("lets nobody in without the token, when there is one", async () => {
  const { url, asked } = await open({ token: "secret" });
  expect((await post(`${url}/run/weather`, "{}")).answer["code"]).toBe("credentials_missing");
  const wrong = await post(`${url}/run/weather`, "{}", { authorization: "Bearer secreT" });
  expect(wrong).toMatchObject({ status: 401, answer: { code: "credentials_invalid" } });
  expect(asked).toEqual([]);
  const right = await post(`${url}/run/weather`, "{}", { authorization: "Bearer secret" });
  expect(right.status).toBe(201);
});

test("says when the port is taken", async () => {
  const { url } = await open();
  await expect(open({ port: Number(new URL(url).port) })).rejects.toMatchObject({
    code: "port_taken",
  });
});
