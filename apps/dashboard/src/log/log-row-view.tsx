import { formatByteSize, sealedByteSize } from "../format/byte-size.ts";
import { countWords } from "../format/count.ts";
import { formatTimeOfDay } from "../format/instant.ts";
import { oneLine } from "../format/one-line.ts";
import { LockIcon } from "../ui/lock-icon.tsx";
import type { LogRow } from "./log-rows.ts";

export function LogRowView({ row }: { row: LogRow }) {
  switch (row.kind) {
    case "note":
      return <span className="log__note">⚠ {row.text}</span>;
    case "sealed":
      return (
        <span className="log__note">
          <LockIcon /> sealed · {countWords(row.lineCount)} {row.lineCount === 1 ? "line" : "lines"}{" "}
          · {formatByteSize(sealedByteSize(row.blob))}
        </span>
      );
    case "line": {
      const { first, moreLines } = oneLine(row.line.text);
      return (
        <>
          <time className="log__time" dateTime={row.line.at}>
            {formatTimeOfDay(row.line.at)}
          </time>
          <span className="log__level">{row.line.level}</span>
          <span className="log__logger">{row.line.logger}</span>
          <span className="log__text">
            {first}
            {moreLines > 0 && <span className="log__more"> ⏎ +{moreLines}</span>}
          </span>
        </>
      );
    }
  }
}
