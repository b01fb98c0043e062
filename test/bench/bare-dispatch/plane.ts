import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import pg from "pg";
import type { BareRun } from "./caller.ts";

// A run is a row that is inserted when it is triggered and updated when its start is reported; both wait for the disk.
// The one agent's request for work is held meanwhile. Nothing is checked, nobody is known, nothing is told apart.

const client = new pg.Client({ connectionString: process.env["BENCH_DATABASE_URL"] });
await client.connect();
await client.query("create table bare_run (id bigserial primary key, state text)");

const waiting: string[] = [];
let held: ServerResponse | undefined;

const ROUTES: Record<string, (body: BareRun, response: ServerResponse) => Promise<void> | void> = {
  "/claim": (_, response) => {
    held = response;
    giveWork();
  },
  "/create": async (_, response) => {
    const text = "insert into bare_run (state) values ($1) returning id";
    const made = await client.query<{ id: string }>({ name: "create", text, values: ["PENDING"] });
    const [{ id }] = made.rows as [{ id: string }];
    waiting.push(id);
    giveWork();
    answer(response, { id });
  },
  "/start": async ({ id }, response) => {
    const text = "update bare_run set state = $1 where id = $2";
    await client.query({ name: "start", text, values: ["RUNNING", id] });
    answer(response, { id });
  },
};

function giveWork(): void {
  const id = held === undefined ? undefined : waiting.shift();
  if (held === undefined || id === undefined) return;
  answer(held, { id });
  held = undefined;
}

function answer(response: ServerResponse, body: BareRun): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { "content-type": "application/json", "content-length": text.length });
  response.end(text);
}

const server = createServer((request, response) => {
  void json(request).then((body) => ROUTES[request.url ?? ""]?.(body as BareRun, response));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
process.send?.(typeof address === "object" ? address?.port : undefined);
process.once("disconnect", () => process.exit());
