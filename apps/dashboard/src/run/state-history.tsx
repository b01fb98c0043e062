import { type Run, type RunStateRecord, STATE_REASONS } from "@downbeat/contract";
import { useQuery } from "@tanstack/react-query";
import { useCaller } from "../api/caller-context.ts";
import { runStatesQuery } from "../api/queries.ts";
import { formatDuration } from "../format/duration.ts";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Time } from "../ui/time.tsx";
import { actorWords } from "./actor-words.ts";

/** Every state the run was in: when, how long, who and why. */
export function StateHistory({ run }: { run: Run }) {
  const { data, error, refetch } = useQuery(runStatesQuery(useCaller(), run));
  return (
    <section className="panel" aria-label="History">
      <h2>History</h2>
      {error !== null && data === undefined && (
        <ErrorNotice
          what="The history could not be read"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      <ol className="history">
        {data?.map((record, index) => (
          <HistoryItem key={record.sequence} record={record} next={data[index + 1]} />
        ))}
      </ol>
    </section>
  );
}

function HistoryItem({
  record,
  next,
}: {
  record: RunStateRecord;
  next: RunStateRecord | undefined;
}) {
  return (
    <li className="history__item">
      <div className="history__line">
        <StateBadge state={record} />
        <Time at={record.at} />
        {next !== undefined && (
          <span className="quiet">
            for {formatDuration(Date.parse(next.at) - Date.parse(record.at))}
          </span>
        )}
      </div>
      <div className="quiet">
        {STATE_REASONS[record.reason]}{" "}
        <span title={record.actor.id ?? undefined}>({actorWords(record.actor)})</span>
        {record.error !== null && (
          <>
            {" "}
            <code>{record.error.class}</code>
          </>
        )}
      </div>
    </li>
  );
}
