import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unprivilegedUser } from "./unprivileged-user.ts";

let directory: string;
let passwd: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "downbeat-passwd-"));
  passwd = path.join(directory, "passwd");
});

afterEach(() => rm(directory, { recursive: true }));

describe.runIf(process.getuid?.() === 0)("as root", () => {
  it("prefers the user made for PostgreSQL", async () => {
    await writeFile(passwd, "nobody:x:65534:65533:n:/:/bin/sh\npostgres:x:70:71::/:/bin/sh\n");
    expect(await unprivilegedUser(passwd)).toEqual({ uid: 70, gid: 71 });
  });

  it("falls back to nobody", async () => {
    await writeFile(passwd, "root:x:0:0:r:/:/bin/sh\nnobody:x:65534:65533:n:/:/bin/sh\n");
    expect(await unprivilegedUser(passwd)).toEqual({ uid: 65534, gid: 65533 });
  });

  it("says what to do when there is neither", async () => {
    await writeFile(passwd, "root:x:0:0:r:/:/bin/sh\n");
    await expect(unprivilegedUser(passwd)).rejects.toThrow("Run the tests as an ordinary user");
  });
});

it.skipIf(process.getuid?.() === 0)("changes nothing for an ordinary user", async () => {
  expect(await unprivilegedUser(passwd)).toEqual({});
});
