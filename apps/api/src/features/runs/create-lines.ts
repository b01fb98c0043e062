import {
  DownbeatError,
  isDownbeatError,
  type ROUTES,
  type RouteReply,
  type RunSpec,
} from "@downbeat/contract";
import type { NewRun } from "@downbeat/db";
import type { AskedLine, LinesCall } from "../../lines/route-of-lines.ts";
import { patiently } from "../../patiently.ts";
import { answerProblem, toDownbeatError } from "../../problem.ts";
import { isRefusal } from "../../refusal.ts";
import type { RequestContext } from "../../request-context.ts";
import { isUnreachable } from "../../unreachable.ts";
import { AnswerLost } from "./answer-lost.ts";
import { toRow, type RunCreator } from "./create-runs.ts";
import type { Made } from "./making.ts";

/** How long a stream waits for a plane that cannot write before it ends. Its caller hears nothing meanwhile. */
const PATIENCE_MS = 10_000;

type Route = typeof ROUTES.createRunStream;
type Refused = { readonly error: DownbeatError };

/**
 * Makes the runs of some lines in one transaction, and answers each. One that cannot be made does not keep the others from it.
 *
 * @throws {DownbeatError} what keeps all of them from being made for longer than is waited out. Some may have been made.
 */
export async function createLines(
  creator: RunCreator,
  { ctx, lines, signal }: LinesCall<Route>,
): Promise<RouteReply<Route>[]> {
  const { kind, id } = ctx.principal;
  const asked = lines.map((line) => rowOf(line, { kind, id }));
  const rows = asked.filter((one): one is NewRun => !("error" in one));
  const make = (some: readonly NewRun[]) =>
    patiently(() => creator.makeRows(ctx.workspaceId, some), {
      forMs: PATIENCE_MS,
      mayPass: (error) => mayBeRepeated(error, some),
      signal,
    });
  const made = (rows.length === 0 ? [] : await makeApart(rows, make)).values();
  return asked.map((one) => toOutcome(ctx, "error" in one ? one : made.next().value));
}

function rowOf(line: AskedLine<Route>, createdBy: NewRun["createdBy"]): NewRun | Refused {
  if ("error" in line) return line;
  try {
    return toRow(line.body as RunSpec, createdBy);
  } catch (error) {
    return { error: toDownbeatError(error) };
  }
}

type Make = (rows: readonly NewRun[]) => Promise<readonly Made[]>;

// What the database refuses one run for (a tag with a NUL, say) it refuses all for that come with it.
async function makeApart(rows: readonly NewRun[], make: Make): Promise<readonly Made[]> {
  try {
    return await make(rows);
  } catch (error) {
    if (isRefusal(error) || error instanceof AnswerLost) throw error;
    if (rows.length === 1) return [{ error: toDownbeatError(error) }];
    return (await Promise.all(rows.map((row) => makeApart([row], make)))).flat();
  }
}

// A lost connection may have been lost after the commit, a lost answer was: only a key keeps the run from being made again.
function mayBeRepeated(error: unknown, rows: readonly NewRun[]): boolean {
  const mayBeMade = isUnreachable(error) || error instanceof AnswerLost;
  if (mayBeMade && rows.some(({ idempotencyKey }) => idempotencyKey === null)) return false;
  return isUnreachable(error) || (isDownbeatError(error) && error.code === "unavailable");
}

function toOutcome(ctx: RequestContext, made: Made | undefined): RouteReply<Route> {
  if (made === undefined) throw new DownbeatError("internal");
  if ("runId" in made) return { runId: made.runId, error: null };
  const { status, problem } = answerProblem(made.error, ctx.requestId);
  if (status >= 500) ctx.log.error({ err: made.error }, "a line of a stream failed");
  const { code, message, issues } = problem;
  return { runId: null, error: { code, message, ...(issues && { issues }) } };
}
