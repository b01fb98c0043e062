export { aClock, type ManualClock } from "./a-clock.ts";
export {
  createDatabase,
  describeEachDatabase,
  type EachDatabase,
  type TestDatabase,
} from "./create-database.ts";
export { freePort } from "./free-port.ts";
export { startPostgres, type PostgresOptions, type PostgresServer } from "./postgres-server.ts";
export {
  DATABASE_KINDS,
  type DatabaseKind,
  type DatabasePlace,
  reserveDatabase,
} from "./reserve-database.ts";
export { startTestRun, type TestRun } from "./test-run.ts";
export { waitFor, type WaitOptions } from "./wait-for.ts";
export { withClient } from "./with-client.ts";
