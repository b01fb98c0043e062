import { DownbeatError } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { sqlStateOf, translateDatabaseError } from "./database-errors.ts";

const lost = [
  { code: "P1001" },
  { code: "P2010", meta: { driverAdapterError: { cause: { kind: "DatabaseNotReachable" } } } },
  {
    code: "P2010",
    meta: { driverAdapterError: { cause: { originalCode: "57P01", kind: "postgres" } } },
  },
  Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
  new AggregateError([Object.assign(new Error("no"), { code: "ECONNREFUSED" })]),
  new Error("Connection terminated unexpectedly"),
  new Error("outer", { cause: Object.assign(new Error("inner"), { code: "08006" }) }),
];

const others = [
  new Error("something else"),
  { code: "P2002" },
  {
    code: "P2010",
    meta: { driverAdapterError: { cause: { originalCode: "23514", kind: "postgres" } } },
  },
  "text",
  undefined,
];

describe("a lost connection", () => {
  it.each(lost)("is recognised (%#)", (error) => {
    const translated = translateDatabaseError(error, "db.example:5432");
    expect(translated).toBeInstanceOf(DownbeatError);
    expect(translated).toMatchObject({
      code: "database_unreachable",
      message: "The database at db.example:5432 could not be reached.",
      cause: error,
    });
  });

  it.each(others)("is not seen in any other error (%#)", (error) => {
    expect(translateDatabaseError(error, "x")).toBe(error);
  });

  it("leaves errors of our own alone", () => {
    const own = new DownbeatError("not_found", { cause: lost[3] });
    expect(translateDatabaseError(own, "x")).toBe(own);
  });
});

it("finds the SQLSTATE where Prisma put it", () => {
  expect(sqlStateOf(others[2])).toBe("23514");
  expect(sqlStateOf(others[0])).toBeUndefined();
});
