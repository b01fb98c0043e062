import { randomUUID } from "node:crypto";
import type { Caller } from "@downbeat/client";
import type { Lease, ReportAnswer, ReportItem } from "@downbeat/contract";
import { pino } from "pino";
import { expect, test } from "vitest";
import { PlaneWatch } from "./plane-watch.ts";
import { StartReporter } from "./start-reporter.ts";

const logger = pino({ level: "silent" });
const FOREVER_MS = 1_000_000;

function aReporter(): { starts: StartReporter; reports: string[][] } {
  const reports: string[][] = [];
  const call = async (_route: string, { body }: { body: { items: ReportItem[] } }) => {
    reports.push(body.items.map(({ runId }) => runId));
    const outcomes = body.items.map(() => ({ status: "accepted", state: null, waitSeconds: null }));
    return { outcomes } as ReportAnswer;
  };
  const starts = new StartReporter({
    client: { call } as unknown as Pick<Caller, "call">,
    logger,
    watch: new PlaneWatch(logger),
    signal: new AbortController().signal,
    gatheringMs: () => FOREVER_MS,
  });
  return { starts, reports };
}

function aLease(runId: string): Lease {
  return { runId, epoch: 1, leaseToken: "ab".repeat(16) } as Lease;
}

test("starts gather until a process is short of runs, and then go in one report", async () => {
  const { starts, reports } = aReporter();
  const runIds = [randomUUID(), randomUUID(), randomUUID()];
  const announced = runIds.map((runId) => starts.announce(aLease(runId)));
  expect(reports).toEqual([]);
  starts.hurry();
  expect((await Promise.all(announced)).map(({ status }) => status)).toEqual(
    Array(3).fill("accepted"),
  );
  expect(reports).toEqual([runIds]);
});

test("hurry without anything gathered does nothing, and later starts gather as before", async () => {
  const { starts, reports } = aReporter();
  starts.hurry();
  const announced = starts.announce(aLease(randomUUID()));
  await new Promise(setImmediate);
  expect(reports).toEqual([]);
  starts.hurry();
  await announced;
  expect(reports).toHaveLength(1);
});
