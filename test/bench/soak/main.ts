import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Client } from "@downbeat/client";
import { AGENT_READY, ChaosPlane, DEFAULT_INTERVALS } from "../../chaos/chaos-plane.ts";
import { Ledger } from "../../chaos/ledger.ts";
import { findingsOf } from "../../chaos/scenario.ts";
import { startBenchPostgres } from "../bench-database.ts";
import { trendsOf, type Sample } from "./judge.ts";
import { look, type Watched } from "./watch.ts";

const USAGE = `Usage: pnpm bench:soak [--minutes N] [--rate N]

Triggers so many short runs a second (default 20) for so many minutes (default 10), on API, agent and PostgreSQL of its own. Then no
run may be lost or doubled, and neither the memory of a process nor the lateness of runs may have grown.`;
const LOOK_EVERY_MS = 10_000;
const DRAIN_MS = 300_000;
const MOST_SHOWN = 10;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      rate: { type: "string", default: "20" },
      help: { type: "boolean", default: false },
    },
  });
  const load = { minutes: Number(values.minutes), rate: Number(values.rate) };
  if (values.help || !(load.minutes > 0 && load.rate > 0)) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const postgres = await startBenchPostgres();
  try {
    const plane = await ChaosPlane.create((await postgres.fresh()) ?? "", DEFAULT_INTERVALS);
    try {
      return await soak(plane, load);
    } catch (error) {
      console.error(plane.lastWords());
      throw error;
    } finally {
      await plane.dispose();
    }
  } finally {
    await postgres.stop();
  }
}

type Load = { readonly minutes: number; readonly rate: number };

async function soak(plane: ChaosPlane, load: Load): Promise<number> {
  const api = await plane.startApi();
  await plane.setUp(api.url);
  const agent = plane.startAgent({ name: "soak", apiUrl: api.url, concurrency: 8, longestMs: 20 });
  await agent.waitForOutput(AGENT_READY, 60_000);
  const pids = { api: api.process.pid, agent: agent.pid };
  const over = new AbortController();
  const watching = watch({ databaseUrl: plane.databaseUrl, pids }, over.signal);
  const acknowledged = await trigger(plane.client(api.url), load);
  over.abort();
  const samples = await watching;
  await new Ledger(plane.databaseUrl).untilDrained(DRAIN_MS);
  const { lost, double, broken } = await findingsOf(plane, acknowledged);
  const trends = trendsOf(samples);
  for (const { name, early, late, perHour, isFlat } of trends)
    console.log(
      `${name.padEnd(26)} ${early.toFixed(0)} → ${late.toFixed(0)}  (${perHour.toFixed(1)} an hour, n=${samples.length})  ${isFlat ? "flat" : "GROWS"}`,
    );
  const faults = plane.faults();
  const offences = [...lost, ...double, ...broken, ...faults];
  console.log(
    `runs ${acknowledged.length}, lost ${lost.length}, double ${double.length}, broken ${broken.length}, failed requests ${faults.length}`,
  );
  for (const offence of offences.slice(0, MOST_SHOWN)) console.log(`    ${offence}`);
  const isSound = offences.length === 0 && trends.every(({ isFlat }) => isFlat);
  console.log(isSound ? "ok" : "FAILED");
  return isSound ? 0 : 1;
}

/** Triggers at a steady rate, whether or not earlier calls have been answered; returns the ids of all. */
async function trigger(client: Client, { minutes, rate }: Load): Promise<string[]> {
  const calls: Promise<string>[] = [];
  const startedAtMs = performance.now();
  const total = Math.round(minutes * 60 * rate);
  while (calls.length < total) {
    const body = { flowName: "work", idempotencyKey: randomUUID() };
    const call = client.call("createRun", { body }).then(({ id }) => id);
    call.catch(() => {}); // it is awaited below
    calls.push(call);
    const dueMs = startedAtMs + (calls.length * 1000) / rate;
    await pause(Math.max(0, dueMs - performance.now()));
  }
  return Promise.all(calls);
}

async function watch(watched: Watched, signal: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (!signal.aborted) {
    samples.push(await look(watched));
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
  return samples;
}

process.exitCode = await main();
