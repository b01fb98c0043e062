import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startPostgres, type PostgresServer } from "@downbeat/testkit/postgres-server";
import { withClient } from "@downbeat/testkit/with-client";
import { runScenario } from "./run-scenario.ts";
import type { Scenario, Verdict } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const USAGE = `Usage: pnpm test:chaos [scenario…] [--quick] [--seed N]

Scenarios (a prefix is enough; default: all):
${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(20)} ${about}`).join("\n")}
`;
const MOST_SHOWN = 10;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      seed: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const seed = values.seed === undefined ? randomInt(2 ** 32 - 1) : Number(values.seed);
  const chosen = SCENARIOS.filter(
    ({ name }) => positionals.length === 0 || positionals.some((asked) => name.startsWith(asked)),
  );
  if (values.help || chosen.length === 0 || !Number.isInteger(seed)) {
    say(USAGE);
    return values.help ? 0 : 2;
  }
  say(`seed ${seed}\n`);
  const server = await startPostgres();
  let failed = 0;
  try {
    for (const scenario of chosen) {
      const isQuick = values.quick;
      if (!(await passes(scenario, { seed, isQuick, freshDatabase: () => createOn(server) })))
        failed += 1;
    }
  } finally {
    await server.stop();
  }
  if (failed > 0) say(`${failed} of ${chosen.length} scenarios failed; seed ${seed}\n`);
  return failed > 0 ? 1 : 0;
}

async function passes(
  scenario: Scenario,
  options: Parameters<typeof runScenario>[1],
): Promise<boolean> {
  const label = scenario.name.padEnd(20);
  const unfit = scenario.unfit?.();
  if (unfit !== undefined) {
    say(`${label} not run: ${unfit}\n`);
    return true;
  }
  const startedAtMs = performance.now();
  try {
    const verdict = await runScenario(scenario, options);
    say(`${label} ${describe(verdict, performance.now() - startedAtMs)}\n`);
    return verdict.violations.length === 0;
  } catch (error) {
    say(
      `${label} FAILED  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return false;
  }
}

function describe({ n, counts, violations }: Verdict, tookMs: number): string {
  const figures = Object.entries({ n, ...counts, took: `${(tookMs / 1000).toFixed(0)} s` })
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
  const shown = violations.slice(0, MOST_SHOWN).map((violation) => `\n    ${violation}`);
  const more = violations.length > MOST_SHOWN ? `\n    … ${violations.length} in all` : "";
  return `${violations.length === 0 ? "ok     " : "FAILED "} ${figures}${shown.join("")}${more}`;
}

let made = 0;

async function createOn(server: PostgresServer): Promise<string> {
  const name = `chaos_${process.pid}_${(made += 1)}`;
  await withClient(server.url, (client) => client.query(`create database ${name}`));
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

function say(text: string): void {
  process.stdout.write(text);
}

process.exitCode = await main();
