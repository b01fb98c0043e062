import { formatDuration } from "../format/duration.ts";
import { useNow } from "./use-now.ts";

/** How long something took, or has been taking. */
export function Duration({ from, to }: { from: string | null; to: string | null }) {
  if (from === null) return <span className="quiet">–</span>;
  if (to === null) return <RunningDuration from={from} />;
  return <span className="number">{formatDuration(Date.parse(to) - Date.parse(from))}</span>;
}

function RunningDuration({ from }: { from: string }) {
  const elapsedMs = Math.max(0, useNow() - Date.parse(from));
  // Whole seconds: tenths that jump once a second only pretend to be exact.
  return (
    <span className="number">
      {formatDuration(elapsedMs - (elapsedMs % 1_000)).replace(".0 s", " s")}
    </span>
  );
}
