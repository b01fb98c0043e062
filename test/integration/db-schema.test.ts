import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { STATE_NAMES, STATE_TYPES, TERMINAL_STATE_TYPES } from "@downbeat/contract";
import {
  appendLogChunks,
  createRuns,
  openDatabase,
  readRun,
  upsertDeployments,
} from "@downbeat/db";
import { findDrift } from "@downbeat/db/drift";
import { DATABASE_KINDS, describeEachDatabase, reserveDatabase } from "@downbeat/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { aBlob, aDeployment, aNewRun, aWorkspace, someRuns } from "./db-fixture.ts";

// The columns behind the contract's sealed fields; a table that has one must check it.
const SEALED_COLUMNS =
  "parameters default_parameters entrypoint input error_detail rendered_name chunk manifest detail".split(
    " ",
  );

const [HEADER = ""] = aBlob("log").split(".");
const NONCE = "A".repeat(16);
const TAG = "A".repeat(22);
const SECRET = "Ada Lovelace, 4242";
const BASE64 = Buffer.from(SECRET).toString("base64url");
const NOT_SEALED = [
  "",
  SECRET,
  JSON.stringify({ name: SECRET }),
  BASE64,
  Buffer.from(SECRET).toString("hex"),
  `eyJhbGciOiJFUzI1NiJ9.${BASE64}.${TAG}`,
  `${headerOf({ note: SECRET })}..${NONCE}.${BASE64}.${TAG}`,
  `${headerOf({ enc: "A128GCM" })}..${NONCE}.${BASE64}.${TAG}`,
  `eyJxx..${NONCE}.${BASE64}.${TAG}`,
  `eyJ..${NONCE}.${BASE64}.${TAG}`,
  `${HEADER}.${BASE64}.${NONCE}.AAAA.${TAG}`,
  `${HEADER}..${BASE64}.AAAA.${TAG}`,
  `${HEADER}..${NONCE}.AAAA.${BASE64}`,
  `${HEADER}..${NONCE}.${SECRET}.${TAG}`,
];
// However the header's JSON is written, and wherever in it the cipher stands.
const GENUINE = [
  ...["", "a", "ab", "abc"].map((alg) => headerOf({ alg, enc: "A256GCM" })),
  Buffer.from('{"alg": "dir",\n "enc" : "A256GCM"}').toString("base64url"),
].map((header) => `${header}..${NONCE}.AAAA.${TAG}`);

function headerOf(fields: Record<string, string>): string {
  return Buffer.from(JSON.stringify(fields)).toString("base64url");
}

const prismaDir = fileURLToPath(new URL("../../prisma", import.meta.url));

describe.each(DATABASE_KINDS)("prisma/schema.prisma (%s)", (kind) => {
  it("describes exactly the tables that the migrations make", async () => {
    const place = await reserveDatabase(kind);
    expect(await findDrift(place.options)).toBe("");
    const schema = await readFile(path.join(prismaDir, "schema.prisma"), "utf8");
    expect(
      await findDrift(
        place.options,
        schema.replace("Boolean   @default(false)\n  stateType", "Int\n  stateType"),
      ),
    ).toContain('DROP COLUMN "late"');
    await place.drop();
  }, 180_000);
});

describeEachDatabase("the tables", ({ database, kind }) => {
  it("allow the states of the contract and no others", async () => {
    const live = STATE_TYPES.filter(
      (type) => !TERMINAL_STATE_TYPES.some((terminal) => terminal === type),
    );
    const namesOf = (types: readonly (keyof typeof STATE_NAMES)[]) =>
      types.flatMap((type) => [...STATE_NAMES[type]]);
    const expected = {
      ended_run_state_type_check: TERMINAL_STATE_TYPES,
      ended_run_state_name_check: namesOf(TERMINAL_STATE_TYPES),
      live_run_state_type_check: live,
      live_run_state_name_check: namesOf(live),
      run_state_type_check: STATE_TYPES,
      run_state_name_check: namesOf(STATE_TYPES),
      task_run_state_type_check: STATE_TYPES,
      task_run_state_name_check: namesOf(STATE_TYPES),
    };
    const { inside } = await aWorkspace(database());
    for (const [name, values] of Object.entries(expected)) {
      const [row] = await inside(
        (tx) => tx.prisma.$queryRaw<{ text: string }[]>`
          select pg_get_constraintdef(oid) as text from pg_constraint where conname = ${name} and conparentid = 0`,
      );
      const listed = [...(row?.text ?? "").matchAll(/'([^']+)'::text/g)].map(([, value]) => value);
      expect({ [name]: listed }).toEqual({ [name]: values });
    }
  });

  it("refuse plaintext where sealed text belongs", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const plaintext = "MARKER customer data";
    const asSealed = <T>(text: string): T => text as T;
    const writes = {
      flow_run_parameters_sealed: () =>
        fixture.inside((tx) => createRuns(tx, [aNewRun({ parameters: plaintext })])),
      log_chunk_chunk_sealed: () =>
        fixture.inside((tx) =>
          appendLogChunks(tx, [
            { runId, epoch: 1, sequence: 0, lineCount: 1, chunk: asSealed(plaintext) },
          ]),
        ),
      deployment_entrypoint_sealed: () =>
        fixture.inside((tx) =>
          upsertDeployments(tx, [{ ...aDeployment(), entrypoint: asSealed("flows/a.ts#b") }]),
        ),
      deployment_default_parameters_sealed: () =>
        fixture.inside((tx) =>
          upsertDeployments(tx, [{ ...aDeployment(), defaultParameters: asSealed("{}") }]),
        ),
    };
    for (const [constraint, write] of Object.entries(writes)) {
      await expect(write()).rejects.toThrow(constraint);
    }
    const sealed = await fixture.inside((tx) =>
      createRuns(tx, [aNewRun({ parameters: aBlob("parameters") })]),
    );
    expect(sealed[0]?.status).toBe("created");
  });

  it("check every sealed column, and nothing that only looks sealed passes", async () => {
    const { inside } = await aWorkspace(database());
    const columns = await inside(
      (tx) => tx.prisma.$queryRaw<{ place: string; checks: string[] }[]>`
        select c.relname || '.' || a.attname as place,
          array(select pg_get_constraintdef(k.oid) from pg_constraint k
            where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]) as checks
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and a.atttypid = 'text'::regtype and a.attname = any(${SEALED_COLUMNS}::text[])
        order by place`,
    );
    expect(columns.length).toBeGreaterThan(8);
    for (const { place, checks } of columns) {
      const column = place.split(".")[1];
      const form = [
        `CHECK (is_sealed(${column}))`,
        `CHECK (((${column} IS NULL) OR is_sealed(${column})))`,
      ];
      expect([place, form]).toEqual([place, expect.arrayContaining(checks)]);
      expect([place, checks.length]).toEqual([place, 1]);
    }
    const passing = await inside(
      (tx) => tx.prisma.$queryRaw<{ text: string }[]>`
        select text from unnest(${NOT_SEALED}::text[]) as given (text) where is_sealed(text)`,
    );
    expect(passing).toEqual([]);
    const [genuine] = await inside(
      (tx) => tx.prisma.$queryRaw<{ sealed: boolean[] }[]>`
        select array_agg(is_sealed(text)) as sealed from unnest(${GENUINE}::text[]) as given (text)`,
    );
    expect(genuine?.sealed).toEqual(GENUINE.map(() => true));
  });

  it("keep indexes off the columns that beats and reports write", async () => {
    const { inside } = await aWorkspace(database());
    const rows = await inside(
      (tx) => tx.prisma.$queryRaw<{ text: string }[]>`
        select pg_get_indexdef(indexrelid) as text from pg_index
        where indrelid in ('live_run'::regclass, 'agent_session'::regclass)`,
    );
    expect(rows.length).toBeGreaterThan(5);
    for (const { text } of rows) expect(text).not.toMatch(/state_|heartbeat_at|tick|lease_/);
  });

  it("return instants as they were, whatever the server's time zone", async () => {
    const fixture = await aWorkspace(database());
    const scheduledFor = "2027-07-01T12:34:56.789Z";
    const [answer] = await fixture.inside(async (tx) => {
      if (kind === "postgres")
        await tx.prisma.$executeRaw`select set_config('timezone', 'UTC', true)`;
      return createRuns(tx, [aNewRun({ scheduledFor: "2027-07-01T14:34:56.789+02:00" })]);
    });
    if (answer?.status !== "created") throw new Error("The run was not made.");
    const run = await fixture.inside((tx) => readRun(tx, answer.runId));
    expect(run).toMatchObject({ scheduledFor });
    expect(answer.run()).toMatchObject({ scheduledFor });
  });
});

describe("migrating", () => {
  const scratch: string[] = [];
  afterAll(() => Promise.all(scratch.map((directory) => rm(directory, { recursive: true }))));

  it("applies nothing twice, and lets processes that start together take turns", async () => {
    const place = await reserveDatabase("postgres");
    const migrationsDir = await copyOfMigrations();
    await addMigration(migrationsDir, "9998_one", "create table one (id int);");
    await addMigration(migrationsDir, "9999_two", "create table two (id int);");
    const databases = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase({ ...place.options, migrationsDir })),
    );
    const answers = await Promise.all(databases.map((database) => database.migrate()));
    expect(answers.flatMap(({ applied }) => applied)).toEqual(["9998_one", "9999_two"]);
    await Promise.all(databases.map((database) => database.close()));
    await place.drop();
  });

  it("refuses a migration that was changed after it had been applied", async () => {
    const place = await reserveDatabase("postgres");
    const migrationsDir = await copyOfMigrations();
    const file = path.join(migrationsDir, "0001_init", "migration.sql");
    await writeFile(file, `${await readFile(file, "utf8")}\nselect 1;`);
    const database = await openDatabase({ ...place.options, migrationsDir });
    await expect(database.migrate()).rejects.toThrow('Migration "0001_init" was changed');
    await database.close();
    await place.drop();
  });

  it("leaves nothing behind of a migration that fails", async () => {
    const place = await reserveDatabase("postgres");
    const migrationsDir = await copyOfMigrations();
    await addMigration(migrationsDir, "9999_bad", "create table half (id int); select 1 / 0;");
    const database = await openDatabase({ ...place.options, migrationsDir });
    await expect(database.migrate()).rejects.toThrow(
      'Migration "9999_bad" failed: division by zero',
    );
    await addMigration(migrationsDir, "9999_bad", "create table half (id int);");
    expect(await database.migrate()).toEqual({ applied: ["9999_bad"] });
    await database.close();
    await place.drop();
  });

  async function copyOfMigrations(): Promise<string> {
    const directory = await mkdtemp(path.join(tmpdir(), "downbeat-migrations-"));
    scratch.push(directory);
    await cp(path.join(prismaDir, "migrations"), directory, { recursive: true });
    return directory;
  }
});

async function addMigration(directory: string, name: string, sql: string): Promise<void> {
  await cp(path.join(directory, "0001_init"), path.join(directory, name), { recursive: true });
  await writeFile(path.join(directory, name, "migration.sql"), sql);
}
