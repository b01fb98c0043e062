import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import type pg from "pg";
import type { DatabaseConnection } from "./database-connection.ts";
import { openConnection, type DatabaseOptions } from "./open-database.ts";

const schemaFile = fileURLToPath(new URL("../../../prisma/schema.prisma", import.meta.url));
// Ours, and Prisma has no business with it.
const externalTables = ["public._downbeat_migration"];

/**
 * The SQL that would turn the database's tables into what prisma/schema.prisma describes; "" when they agree. Prisma
 * does not see policies, grants, checks, partitions and partial indexes; those have tests of their own.
 */
export async function findDrift(options: DatabaseOptions, schema?: string): Promise<string> {
  const connection = await openConnection(options);
  try {
    return await diff(connection, schema ?? (await readFile(schemaFile, "utf8")));
  } finally {
    await connection.close();
  }
}

async function diff(connection: DatabaseConnection, schema: string): Promise<string> {
  const files = [{ path: "schema.prisma", content: schema }];
  const engine = await startEngine(connection, files);
  try {
    const { stdout } = await engine.diff({
      from: { tag: "schemaDatasource", files, configDir: "." },
      to: { tag: "schemaDatamodel", files },
      script: true,
      exitCode: null,
      filters: { externalTables, externalEnums: [] },
    });
    return stdout === null || stdout.includes("This is an empty migration") ? "" : stdout;
  } finally {
    engine.free();
  }
}

async function startEngine(
  connection: DatabaseConnection,
  files: { path: string; content: string }[],
): Promise<SchemaEngine> {
  const Engine = await (loading ??= load());
  return Engine.new(
    { datamodels: files.map(({ path, content }) => [path, content]) },
    () => {},
    bindMigrationAwareSqlAdapterFactory(readingChars(connection.adapter)),
  );
}

const charOid = 18;
const textOid = 25;

// The catalogue has columns of type "char", which the adapter for PostgreSQL refuses to read. They are passed by it as
// text and named for what they are behind it.
function readingChars(
  factory: SqlMigrationAwareDriverAdapterFactory,
): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connectToShadowDb: () => factory.connectToShadowDb(),
    connect: async () => {
      const adapter: SqlDriverAdapter & { underlyingDriver?: () => Queryable } =
        await factory.connect();
      const driver = adapter.underlyingDriver?.();
      if (driver !== undefined) readCharsOf(adapter, driver);
      return adapter;
    },
  };
}

type Queryable = { query: (config: pg.QueryConfig) => Promise<pg.QueryResult> };

function readCharsOf(adapter: SqlDriverAdapter, driver: Queryable): void {
  const charColumns = new WeakMap<object, number[]>();
  const query = driver.query.bind(driver);
  driver.query = async (config) => {
    const result = await query(config);
    const chars = result.fields.flatMap(({ dataTypeID }, index) =>
      dataTypeID === charOid ? index : [],
    );
    for (const index of chars) Object.assign(result.fields[index] ?? {}, { dataTypeID: textOid });
    charColumns.set(result.rows, chars);
    return result;
  };
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (sqlQuery) => {
    const result = await queryRaw(sqlQuery);
    for (const index of charColumns.get(result.rows) ?? [])
      result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
}

// Once a process: the bindings keep views of one instance's memory.
let loading: Promise<typeof SchemaEngine> | undefined;

// The package's own entry imports its WebAssembly as a module, which Node does not do; so it is started by hand.
async function load(): Promise<typeof SchemaEngine> {
  const entry = import.meta.resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const binary = await readFile(new URL("schema_engine_bg.wasm", entry));
  const { instance } = await WebAssembly.instantiate(binary, {
    "./schema_engine_bg.js": { ...bindings },
  });
  const { __wbg_set_wasm: setWasm, SchemaEngine: Engine } = bindings as unknown as Bindings;
  setWasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  return Engine;
}

// Declared here because TypeScript knows it only as part of the browser's library.
declare const WebAssembly: {
  readonly instantiate: (
    binary: Uint8Array,
    imports: Record<string, Record<string, unknown>>,
  ) => Promise<{ readonly instance: { readonly exports: Record<string, unknown> } }>;
};

type Bindings = {
  readonly __wbg_set_wasm: (exports: Record<string, unknown>) => void;
  readonly SchemaEngine: typeof SchemaEngine;
};
