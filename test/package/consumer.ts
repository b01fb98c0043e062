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
    const flags = ["--no-audit", "--no-fund", "--prefer-offline"];
    await runToEnd("npm", ["install", ...flags, ...packages], { cwd: consumer.folder });
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
