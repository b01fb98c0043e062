import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { BareCaller } from "./caller.ts";

// Asks for a run, reports its start, and has the worker begin it.

const plane = new BareCaller(Number(process.env["BENCH_PORT"]));
const worker = fork(join(import.meta.dirname, "worker.js"));
await once(worker, "message");
process.once("disconnect", () => process.exit());
process.send?.("ready");
for (;;) {
  const { id } = await plane.call("/claim", {});
  await plane.call("/start", { id });
  worker.send({ id });
}
