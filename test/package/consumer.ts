import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./places.ts";
import { runToEnd } from "./run-to-end.ts";

const COMPILER = {
  target: "es2023",
  module: "nodenext",
  strict: true,
  // The package's own declarations are checked too.
  skipLibCheck: false,
  types: ["node"],
  outDir: "out",
};

/** How each kind of program ends: a CommonJS one has no `await` at its top. */
const MAIN = {
  mts: `console.log("days", await weather({ year: 2014 }));`,
  cts: `void weather({ year: 2014 }).then((days) => console.log("days", days));`,
} as const;

const QUIETLY = ["--no-audit", "--no-fund", "--prefer-offline"];

const testProgram = (imports: string) => `${imports}
test("an hour of backoff passes at once", async () => {
  let failures = 1;
  const flaky = task({ name: "flaky", retries: 1, retryDelay: 3_600_000 }, async () => {
    if (failures-- > 0) throw new Error("once");
    return "done";
  });
  const run = await testFlow(() => flow({ name: "patient" }, () => flaky())());
  if (run.result !== "done" || run.elapsedMs !== 3_600_000) throw new Error(JSON.stringify(run));
});
`;

const RUNNERS = {
  "node:test": {
    file: "patient.test.mjs",
    program: testProgram(`import { test } from "node:test";
import { flow, task } from "@downbeat/sdk";
import { testFlow } from "@downbeat/sdk/testing";`),
    args: ["--test"],
    dependencies: [],
  },
  jest: {
    file: "patient.jest.test.js",
    program: testProgram(`const { flow, task } = require("@downbeat/sdk");
const { testFlow } = require("@downbeat/sdk/testing");`),
    args: ["node_modules/jest/bin/jest.js"],
    dependencies: ["jest@30"],
  },
} as const;

/** A project that had nothing in it until the packed SDK was installed with npm. */
export class Consumer {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async install(archive: string): Promise<Consumer> {
    const consumer = new Consumer(await mkdtemp(join(tmpdir(), "downbeat-consumer-")));
    await consumer.write("package.json", JSON.stringify({ name: "consumer", private: true }));
    const packages = [archive, "zod@4", "@types/node@20"];
    await runToEnd("npm", ["install", ...QUIETLY, ...packages], { cwd: consumer.folder });
    return consumer;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  /** Type-checks and compiles the quick start of docs/sdk.md, as a module and as CommonJS. */
  async compileQuickStart(): Promise<void> {
    const quickStart = await documentedQuickStart();
    for (const [extension, main] of Object.entries(MAIN))
      await this.write(`quick-start.${extension}`, `${quickStart}\n${main}\n`);
    const config = { compilerOptions: COMPILER, include: ["*.mts", "*.cts"] };
    await this.write("tsconfig.json", JSON.stringify(config));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    await runToEnd(process.execPath, [tsc, "-p", "."], { cwd: this.folder });
  }

  /** Runs it both ways with this Node; what each printed. */
  run(node: string): Promise<string[]> {
    const programs = ["out/quick-start.mjs", "out/quick-start.cjs"];
    return Promise.all(programs.map((file) => runToEnd(node, [file], { cwd: this.folder })));
  }

  /** Tests a flow there with `testFlow`, under a test runner. */
  async runTest(runner: keyof typeof RUNNERS, node: string): Promise<void> {
    const { file, program, args, dependencies } = RUNNERS[runner];
    await this.write(file, program);
    const { folder: cwd } = this;
    if (dependencies.length > 0)
      await runToEnd("npm", ["install", ...QUIETLY, ...dependencies], { cwd });
    await runToEnd(node, [...args, file], { cwd });
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function documentedQuickStart(): Promise<string> {
  const guide = await readFile(join(ROOT, "docs/sdk.md"), "utf8");
  const block = /## Quick start\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(guide)?.[1];
  if (block === undefined) throw new Error("docs/sdk.md has no quick start");
  return block;
}
