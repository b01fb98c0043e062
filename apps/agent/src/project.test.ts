import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { requireProject, resolveEntrypoint } from "./project.ts";

let root: string;
let project: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "downbeat-project-")));
  project = join(root, "project");
  mkdirSync(join(project, "flows/dir.ts"), { recursive: true });
  mkdirSync(join(root, "project-other"));
  writeFileSync(join(project, "flows/fine.ts"), "");
  writeFileSync(join(project, "flows/data.json"), "");
  writeFileSync(join(root, "outside.ts"), "");
  writeFileSync(join(root, "project-other/evil.ts"), "");
  symlinkSync(join(root, "outside.ts"), join(project, "flows/link-out.ts"));
  symlinkSync(root, join(project, "flows/up"));
  symlinkSync(join(project, "flows/fine.ts"), join(project, "flows/link-in.ts"));
  symlinkSync(join(project, "flows/data.json"), join(project, "flows/link-data.ts"));
});

test("a module inside the project is found, also through a link that stays inside", async () => {
  expect(await resolveEntrypoint(project, "flows/fine.ts")).toBe(join(project, "flows/fine.ts"));
  expect(await resolveEntrypoint(project, "./flows/../flows/fine.ts")).toBe(
    join(project, "flows/fine.ts"),
  );
  expect(await resolveEntrypoint(project, "flows/link-in.ts")).toBe(join(project, "flows/fine.ts"));
});

test.each([
  ["/etc/passwd.ts", /is absolute/],
  ["../outside.ts", /leads out/],
  ["flows/../../outside.ts", /leads out/],
  ["../project-other/evil.ts", /leads out/],
  ["flows/link-out.ts", /is a link that leads out/],
  ["flows/up/outside.ts", /is a link that leads out/],
  ["flows/missing.ts", /does not exist/],
  ["flows/data.json", /is none of/],
  ["flows/link-data.ts", /links to a file that is none of/],
  ["flows/dir.ts", /is not a file/],
  ["", /is none of/],
])("%j is refused", async (path, problem) => {
  await expect(resolveEntrypoint(project, path)).rejects.toMatchObject({
    code: "entrypoint_invalid",
    message: expect.stringMatching(problem),
  });
});

test("an agent without a project directory does not start", async () => {
  await expect(requireProject(project)).resolves.toBeUndefined();
  for (const path of [join(root, "absent"), join(root, "outside.ts")])
    await expect(requireProject(path)).rejects.toMatchObject({
      code: "configuration_invalid",
      message: expect.stringContaining(path) as string,
    });
});
