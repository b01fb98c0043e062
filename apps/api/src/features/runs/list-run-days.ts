import { DownbeatError, MOST_DAYS, type RunDay, type RunDayFilter } from "@downbeat/contract";
import { readRunDays } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

const DAY_MS = 86_400_000;
const DAYS_BY_DEFAULT = 14;

/** @throws {DownbeatError} `validation_failed` when the range ends before it begins, or spans more than {@link MOST_DAYS} days */
export async function listRunDays(
  { database, now }: Pick<Services, "database" | "now">,
  ctx: RequestContext,
  { from: asked, to = dayOf(now().getTime()), ...filter }: RunDayFilter,
): Promise<{ days: RunDay[] }> {
  const from = asked ?? dayOf(Date.parse(to) - (DAYS_BY_DEFAULT - 1) * DAY_MS);
  requireRange(from, to);
  const days = await database.inWorkspace(ctx, (tx) => readRunDays(tx, { from, to, ...filter }));
  return { days };
}

function requireRange(from: string, to: string): void {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days >= 1 && days <= MOST_DAYS) return;
  const message =
    days < 1
      ? `The days from ${from} to ${to} are none: give \`from\` no later than \`to\`.`
      : `From ${from} to ${to} are ${days} days; ask for at most ${MOST_DAYS} at once.`;
  throw new DownbeatError("validation_failed", { message, issues: [{ path: "from", message }] });
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
