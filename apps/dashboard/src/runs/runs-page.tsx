import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCaller } from "../api/caller-context.ts";
import { flowNamesQuery, runsQuery } from "../api/queries.ts";
import { isFiltered, paths, type RunsSearch, splitStates } from "../paths.ts";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { useTitle } from "../ui/use-title.ts";
import { FailuresTable } from "./failures-table.tsx";
import { RunDaysChart } from "./run-days-chart.tsx";
import { RunsFilter } from "./runs-filter.tsx";
import { RunsTable } from "./runs-table.tsx";

const route = getRouteApi(paths.runs);

/** Runs, newest first. Filter and place stand in the address, so a link shows a colleague the same list. */
export function RunsPage() {
  const search = route.useSearch();
  const caller = useCaller();
  useTitle("Runs");
  const flowNames = useQuery({ ...flowNamesQuery(caller), placeholderData: keepPreviousData });
  const { data, error, isPlaceholderData, refetch } = useQuery(
    runsQuery(caller, {
      stateTypes: splitStates(search.state),
      flowName: search.flow,
      day: search.day,
      cursor: search.cursor,
    }),
  );
  // Of another filter's list only the rows are shown meanwhile: that it was empty says nothing about this one.
  const isAnswered = data !== undefined && !(isPlaceholderData && data.items.length === 0);
  const isEmpty = isAnswered && data.items.length === 0;
  const hasNoRunAtAll = isEmpty && !isFiltered(search) && search.cursor === undefined;
  return (
    <>
      <h1>Runs</h1>
      <RunsFilter search={search} flowNames={flowNames.data ?? []} />
      {data !== undefined && !hasNoRunAtAll && (
        <RunDaysChart search={search} isListRead={!isPlaceholderData} />
      )}
      {error !== null && (
        <ErrorNotice
          what={
            data === undefined
              ? "The runs could not be read"
              : "What you see may be old: the runs could not be read again"
          }
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {!isAnswered && error === null && <p className="quiet">Reading the runs…</p>}
      {isEmpty && (hasNoRunAtAll ? <NoRunYet /> : <NoRunMatches />)}
      {data !== undefined && data.items.length > 0 && (
        <>
          <FailuresTable runs={data.items} />
          {/* A new table for each filter and page: held-back rows belong to one list. */}
          <RunsTable key={JSON.stringify(search)} runs={data.items} />
        </>
      )}
      <Pager search={search} nextCursor={data?.nextCursor ?? null} />
    </>
  );
}

function Pager({ search, nextCursor }: { search: RunsSearch; nextCursor: string | null }) {
  const { cursor, ...filter } = search;
  if (cursor === undefined && nextCursor === null) return null;
  return (
    <nav className="pager" aria-label="Pages">
      {cursor !== undefined && (
        <Link to={paths.runs} search={filter} className="button">
          ⇤ Newest
        </Link>
      )}
      {nextCursor !== null && (
        <Link to={paths.runs} search={{ ...filter, cursor: nextCursor }} className="button">
          Older →
        </Link>
      )}
    </nav>
  );
}

function NoRunMatches() {
  return (
    <div className="empty">
      <p>No run matches.</p>
      <Link to={paths.runs} search={{}}>
        Show all runs
      </Link>
    </div>
  );
}

function NoRunYet() {
  return (
    <div className="empty">
      <p>No run yet.</p>
      <p className="quiet">
        Deploy a flow with <code>downbeat deploy</code>, then start one with{" "}
        <code>downbeat run FLOW</code>.
      </p>
    </div>
  );
}
