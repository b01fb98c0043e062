import type { Run } from "@downbeat/contract";
import { Link } from "@tanstack/react-router";
import { countWords } from "../format/count.ts";
import { paths } from "../paths.ts";
import { shortId } from "../ui/short-id.ts";
import { Time } from "../ui/time.tsx";
import { failureGroups, type FailureGroup } from "./failure-groups.ts";

/** The failures of a list, alike ones together. It needs no key, so a locked page can be triaged too. */
export function FailuresTable({ runs }: { runs: readonly Run[] }) {
  const groups = failureGroups(runs);
  if (groups.length === 0) return null;
  return (
    <details className="failures">
      <summary>
        {groups.length === 1 ? "One kind of failure" : `${groups.length} kinds of failure`} among
        these runs
      </summary>
      <table className="table" aria-label="Failures by kind">
        <thead>
          <tr>
            <th scope="col">Runs</th>
            <th scope="col">Error</th>
            <th scope="col">Flow</th>
            <th scope="col">Fingerprint</th>
            <th scope="col">First</th>
            <th scope="col">Last</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <GroupRow key={group.key} group={group} />
          ))}
        </tbody>
      </table>
    </details>
  );
}

function GroupRow({ group: { runs, errorClass, fingerprint } }: { group: FailureGroup }) {
  const [newest, oldest] = [runs[0], runs.at(-1)];
  if (newest === undefined || oldest === undefined) return null;
  return (
    <tr>
      <td className="number">{countWords(runs.length)}</td>
      <td>
        <Link to={paths.run} params={{ runId: newest.id }} title={`Run ${shortId(newest.id)}`}>
          <code>{errorClass}</code>
        </Link>
      </td>
      <td>{newest.flowName}</td>
      <td>
        {fingerprint === null ? (
          <span className="quiet">–</span>
        ) : (
          <code className="quiet" title={fingerprint}>
            {fingerprint.slice(0, 8)}
          </code>
        )}
      </td>
      <td>
        <Time at={oldest.endedAt ?? oldest.createdAt} />
      </td>
      <td>
        <Time at={newest.endedAt ?? newest.createdAt} />
      </td>
    </tr>
  );
}
