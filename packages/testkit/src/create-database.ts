import { type Database, openDatabase } from "@downbeat/db";
import { afterAll, beforeAll, describe } from "vitest";
import {
  DATABASE_KINDS,
  type DatabaseKind,
  type DatabasePlace,
  reserveDatabase,
} from "./reserve-database.ts";

/** A throw-away database, migrated and open. */
export type TestDatabase = {
  readonly database: Database;
  readonly place: DatabasePlace;
  /** Closes and removes it; throws when a connection was leaked. */
  readonly drop: () => Promise<void>;
};

/** Makes a throw-away database and opens it. On PostgreSQL it is cloned from a template migrated once a run. */
export async function createDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  const place = await reserveDatabase(kind);
  const database = await openDatabase(place.options);
  return {
    database,
    place,
    drop: async () => {
      await database.close();
      await place.drop();
    },
  };
}

/** What a suite run on each database is given. */
export type EachDatabase = {
  readonly kind: DatabaseKind;
  /** The suite's database; call it inside tests and hooks, as it is made before the first test. */
  readonly database: () => Database;
  readonly place: () => DatabasePlace;
};

/**
 * Runs a suite on PGlite and on PostgreSQL, each with a database of its own.
 *
 * @example
 * describeEachDatabase("claiming", ({ database }) => {
 *   it("hands a run to one agent", async () => { await database().inWorkspace(…) });
 * });
 */
export function describeEachDatabase(title: string, suite: (given: EachDatabase) => void): void {
  describe.each(DATABASE_KINDS)(`${title} (%s)`, (kind) => {
    let made: TestDatabase | undefined;
    const current = (): TestDatabase => {
      if (made !== undefined) return made;
      throw new Error("The suite's database exists only inside tests and hooks.");
    };
    beforeAll(async () => {
      made = await createDatabase(kind);
    });
    afterAll(() => made?.drop());
    suite({ kind, database: () => current().database, place: () => current().place });
  });
}
