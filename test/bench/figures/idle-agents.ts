import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { isDownbeatError } from "@downbeat/contract";
import { startBenchPostgres } from "../bench-database.ts";
import { joinAgents } from "../bench-agent.ts";
import { BenchPlane } from "../bench-plane.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { StatementLog, type StatementCounts } from "../statement-log.ts";

const AGENTS = 1000;
const CAPACITY = 10;
const BACK_OFF_MS = 2_000;
/** An agent without work polls once in a heartbeat interval. */
const CLAIM_HOLD_MS = 15_000;
/** One poll of every agent. */
const WARM_UP_MS = 30_000;
const WINDOW_MS = 20_000;
const WINDOWS = 3;
// USER_HZ, what /proc counts in, is 100 on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

type BenchAgent = Awaited<ReturnType<typeof joinAgents>>[number];

/**
 * What a thousand agents with nothing to do cost the API process, and the database in statements. The limit is the same
 * process with nobody connected. Reads /proc, so it runs on Linux only.
 */
export async function idleAgents(): Promise<Figure[]> {
  const log = await StatementLog.open();
  const postgres = await startBenchPostgres(log.settings);
  const plane = await BenchPlane.start(await postgres.fresh());
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const agents: BenchAgent[] = [];
  try {
    const bare = await measure(plane.apiPid);
    const asked = { count: AGENTS, capacity: CAPACITY };
    agents.push(...(await joinAgents(plane, plane.client(), asked)));
    const idling = agents.map((agent) => idle(agent, stopping.signal));
    await pause(WARM_UP_MS);
    await log.take();
    const taken = [];
    for (let at = 0; at < WINDOWS; at += 1) taken.push(await measure(plane.apiPid));
    const statements = await log.take();
    stopping.abort();
    await Promise.all(idling);
    return figures(bare, taken, statements);
  } finally {
    stopping.abort();
    await Promise.all(agents.map(({ client }) => client.close()));
    await plane.stop();
    await postgres.stop();
    await log.close();
  }
}

/** A long poll again and again, as an agent without work keeps it: each is its heartbeat too. */
async function idle({ client, sessionId }: BenchAgent, signal: AbortSignal): Promise<void> {
  let idleTick = 0;
  try {
    // Agents were not all started at once.
    await pause(Math.random() * CLAIM_HOLD_MS, undefined, { signal });
    for (;;) {
      idleTick += 1;
      const waitSeconds = CLAIM_HOLD_MS / 1000;
      const body = {
        sessionId,
        claimRequestId: randomUUID(),
        max: CAPACITY,
        waitSeconds,
        idleTick,
      };
      await client.call("claim", { body }, { signal }).catch((error: unknown) => {
        // As an agent does, it asks again a little later.
        if (!isDownbeatError(error) || !error.retryable) throw error;
        return pause(BACK_OFF_MS, undefined, { signal });
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

type Usage = { readonly cpuPercent: number; readonly rssMegabytes: number };

async function measure(pid: number): Promise<Usage> {
  const [startedAtMs, before] = [performance.now(), await cpuSeconds(pid)];
  await pause(WINDOW_MS);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const cpuPercent = (((await cpuSeconds(pid)) - before) / seconds) * 100;
  return { cpuPercent, rssMegabytes: await rssMegabytes(pid) };
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // After the program's name, which may hold anything: field 14 is user time, 15 system time.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function rssMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

function figures(bare: Usage, taken: readonly Usage[], statements: StatementCounts): Figure[] {
  const n = AGENTS;
  const minutes = (WINDOWS * WINDOW_MS) / 60_000;
  const perMinute = [...statements].map(([kind, count]) => [kind, count / minutes] as const);
  const cpu = { unit: "% of a core", n, rates: taken.map(({ cpuPercent }) => cpuPercent) };
  const rss = { unit: "MB", n, rates: taken.map(({ rssMegabytes: megabytes }) => megabytes) };
  return [
    rateFigure("idle_agents_cpu", cpu, bare.cpuPercent),
    rateFigure("idle_agents_rss", rss, bare.rssMegabytes),
    // A poll of each agent, one every 15 s, if none shared a statement.
    ...perMinute
      .toSorted(([, one], [, other]) => other - one)
      .map(([kind, rate]) =>
        rateFigure(
          `idle_statements: ${kind}`,
          { unit: "/min", n, rates: [rate] },
          (AGENTS * 60_000) / CLAIM_HOLD_MS,
        ),
      ),
  ];
}
