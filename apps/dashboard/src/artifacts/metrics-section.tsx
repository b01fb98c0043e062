import type { Run } from "@downbeat/contract";
import { useQuery } from "@tanstack/react-query";
import { metricsQuery } from "../api/queries.ts";
import { useCaller } from "../api/caller-context.ts";
import { ErrorNotice } from "../ui/error-notice.tsx";

/** The run's public numbers: readable without the key. Nothing at all for a run that has none. */
export function MetricsSection({ run }: { run: Run }) {
  const { data: metrics = [], error, refetch } = useQuery(metricsQuery(useCaller(), run));
  if (metrics.length === 0 && error === null) return null;
  return (
    <section className="panel" aria-label="Metrics">
      <h2>Metrics</h2>
      {error !== null && metrics.length === 0 && (
        <ErrorNotice
          what="The metrics could not be read"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      <dl className="facts">
        {metrics.map(({ name, value }) => (
          <div key={name} className="facts__pair">
            <dt>{name}</dt>
            <dd className="number">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
