import { execFileSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { waitFor } from "@downbeat/testkit/wait-for";
import { AGENT_READY } from "../chaos-plane.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";

const INTERVALS = {
  leaseSeconds: 4,
  heartbeatSeconds: 1,
  reconnectWindowSeconds: 120,
  sweepSeconds: 1,
};
// Out of the block set aside for tests of networks (RFC 2544).
const NETWORK = "198.18.77.";
const API_HOST = `${NETWORK}1`;
const AGENT_HOST = `${NETWORK}2`;

export const networkPartition: Scenario = {
  name: "network-partition",
  about:
    "an agent in a network namespace of its own is cut off for longer than its lease, then healed",
  unfit: () => {
    if (process.getuid?.() !== 0) return "it takes root to make a network namespace";
    const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    if (addresses.some(({ address }) => address.startsWith(NETWORK)))
      return `this machine is in the network ${NETWORK}0 itself`;
    try {
      new Namespace("downbeat-probe").remove();
      return undefined;
    } catch (error) {
      return `no network namespace can be made: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
    }
  },
  run: async ({ isQuick, freshDatabase, afterwards, planeOn }) => {
    const runs = isQuick ? 4 : 20;
    const namespace = new Namespace(`downbeat-${process.pid}`);
    afterwards(async () => namespace.remove());
    const plane = await planeOn(await freshDatabase(), INTERVALS);
    const { url } = await plane.startApi({ host: API_HOST });
    await plane.setUp(url);
    const agent = plane.startAgent({
      name: "apart",
      apiUrl: url,
      concurrency: runs,
      behind: namespace.inside,
    });
    await agent.waitForOutput(AGENT_READY, 60_000);
    const load = { clients: [plane.client(url)], runs: runs / 2 };
    const early = await triggerRuns({ ...load, flowName: "held-early" });
    const late = await triggerRuns({ ...load, flowName: "held-late" });
    await waitFor(async () => (await plane.executions()).length === runs, {
      deadlineMs: 120_000,
      describe: `${runs} flows to run`,
    });

    const ledger = new Ledger(plane.databaseUrl);
    namespace.cut();
    await plane.open("early");
    await waitFor(async () => (await ledger.countLive("RUNNING", "Unreachable")) === runs, {
      deadlineMs: 60_000,
      describe: "every run to be Unreachable",
    });
    namespace.heal();
    await waitFor(async () => (await ledger.countLive("RUNNING", "Unreachable")) === 0, {
      deadlineMs: 110_000,
      describe: "no run to be Unreachable any more",
    });
    await plane.open("late");
    await ledger.untilDrained(120_000);
    const all = await ledger.runs();
    const completed = all.filter(({ stateType }) => stateType === "COMPLETED").length;
    const findings = await findingsOf(plane, [...early.acknowledged, ...late.acknowledged]);
    return verdictOf(runs, findings, {
      counts: { completed },
      violations: completed === runs ? [] : [`${runs - completed} runs did not complete`],
    });
  },
};

let links = 0;

/** A network namespace joined to this machine by a pair of virtual interfaces. */
class Namespace {
  readonly #name: string;
  readonly #here: string;

  constructor(name: string) {
    this.#name = name;
    // Interface names have 15 characters at most.
    const link = `dnb${process.pid % 1_000_000}x${(links += 1)}`;
    this.#here = `${link}a`;
    const there = `${link}b`;
    ip("netns", "add", name);
    try {
      ip("link", "add", this.#here, "type", "veth", "peer", "name", there, "netns", name);
      ip("addr", "add", `${API_HOST}/30`, "dev", this.#here);
      ip("link", "set", this.#here, "up");
      ip("-n", name, "addr", "add", `${AGENT_HOST}/30`, "dev", there);
      ip("-n", name, "link", "set", there, "up");
      ip("-n", name, "link", "set", "lo", "up");
    } catch (error) {
      ip("netns", "del", name);
      throw error;
    }
  }

  /** What a command line is put behind to run in here. */
  get inside(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  cut(): void {
    ip("link", "set", this.#here, "down");
  }

  heal(): void {
    ip("link", "set", this.#here, "up");
  }

  remove(): void {
    // The namespace would take its interface along, but some time later, and two of them would share an address.
    ip("link", "del", this.#here);
    ip("netns", "del", this.#name);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
