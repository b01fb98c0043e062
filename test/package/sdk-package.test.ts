import { readFile } from "node:fs/promises";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Consumer } from "./consumer.ts";
import { packSdk, type SdkPackage } from "./sdk-package.ts";

// `pnpm test:package` does the same on every supported Node.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let sdk: SdkPackage;
let consumer: Consumer;
beforeAll(async () => {
  sdk = await packSdk();
  consumer = await Consumer.install(sdk.archive);
});
afterAll(() => consumer.remove());

test("the packed SDK installs into an empty project, and its quick start compiles and runs, imported and required", async () => {
  await consumer.compileQuickStart();
  expect(await consumer.run(process.execPath)).toEqual(["days 2\n", "days 2\n"]);
});

test("its test kit works there under node:test", async () => {
  await expect(consumer.runTest("node:test", process.execPath)).resolves.toBeUndefined();
});

test("attw finds its types right for every way of resolving them", async () => {
  const analysis = await checkPackage(createPackageFromTarballData(await readFile(sdk.archive)));
  expect(analysis).toMatchObject({ types: { kind: "included" }, problems: [] });
});

test("publint has nothing to say", async () => {
  const { messages, pkg } = await publint({ pkgDir: sdk.folder, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});
