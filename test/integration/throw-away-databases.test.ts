import { existsSync } from "node:fs";
import { openDatabase } from "@downbeat/db";
import { createDatabase, describeEachDatabase, reserveDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";

describeEachDatabase("a throw-away database", ({ kind, database }) => {
  it("is open, of the kind asked for, and fully migrated", async () => {
    expect(database().kind).toBe(kind);
    await database().ping();
    expect(await database().migrate()).toEqual({ applied: [] });
  });

  it("can be reserved unopened, for a process that opens it itself", async () => {
    const place = await reserveDatabase(kind);
    const opened = await openDatabase(place.options);
    expect(await opened.migrate()).toEqual({ applied: [] });
    await opened.close();
    await place.drop();
    const { dataDir } = place.options;
    expect(dataDir === undefined || !existsSync(dataDir)).toBe(true);
  });
});

it("reports a connection that the code under test left open", async () => {
  const made = await createDatabase("postgres");
  await made.database.ping();
  await expect(made.place.drop()).rejects.toThrow(/every connection to downbeat_\w+ to be closed/);
  await made.drop();
});
