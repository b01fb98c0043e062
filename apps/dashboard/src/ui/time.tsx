import { formatRelative } from "../format/duration.ts";
import { formatAbsolute } from "../format/instant.ts";
import { useNow } from "./use-now.ts";

/** The one way to show an instant: how long ago, and on hover the full time in the viewer's zone and in UTC. */
export function Time({ at }: { at: string }) {
  const nowMs = useNow();
  return (
    <time dateTime={at} title={formatAbsolute(at)}>
      {formatRelative(Date.parse(at), nowMs)}
    </time>
  );
}
