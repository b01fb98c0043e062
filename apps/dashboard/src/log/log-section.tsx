import { isTerminal, type Run } from "@downbeat/contract";
import { getRouteApi } from "@tanstack/react-router";
import { useId, useMemo, useState } from "react";
import { countWords } from "../format/count.ts";
import { DEFAULT_LOG_LEVEL, paths } from "../paths.ts";
import { useKey } from "../key/key-context.tsx";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { wordsOf } from "../ui/words-of.ts";
import { LockIcon } from "../ui/lock-icon.tsx";
import { LOG_LEVEL_CHOICES } from "./log-levels.ts";
import { logFlaws } from "./log-flaws.ts";
import { type LogLevel, type LogRow, logRows } from "./log-rows.ts";
import { LogView } from "./log-view.tsx";
import { type LogSlots, useLogSlots } from "./use-log-slots.ts";
import { useOpenedChunks } from "./use-opened-chunks.ts";
import { useOpenedManifests } from "./use-opened-manifests.ts";

const route = getRouteApi(paths.run);

/** The run's log. It arrives sealed, is opened here, and is searched here: the words searched for go nowhere. */
export function LogSection({ run }: { run: Run }) {
  const { level = DEFAULT_LOG_LEVEL } = route.useSearch();
  const [text, setText] = useState("");
  const log = useLogSlots(run.id);
  const { opener, state, askForKey } = useKey();
  const opened = useOpenedChunks(run.id, log, opener);
  const manifests = useOpenedManifests(run.id, log, opener);
  const { slots, complete } = log;
  const flaws = useMemo(
    () => logFlaws(slots, manifests, { complete, lastEpoch: run.epoch }),
    [slots, manifests, complete, run.epoch],
  );
  const rows = useMemo(
    () => logRows({ slots, opened, flaws, filter: { level, text } }),
    [slots, opened, flaws, level, text],
  );
  const locked = state.status !== "unlocked" && log.slots.length > 0;
  return (
    <section className="panel" aria-label="Log">
      <div className="log-bar">
        <h2>Log</h2>
        <LogFilterForm level={level} text={text} onText={setText} disabled={locked} />
        <span className="quiet log-bar__count">{linesWords(rows, log)}</span>
      </div>
      {log.error !== undefined && log.slots.length === 0 && (
        <ErrorNotice what="The log could not be read" error={log.error} />
      )}
      {locked && (
        <p className="notice">
          <LockIcon /> The log is sealed.{" "}
          <button type="button" className="button" onClick={askForKey}>
            Unlock…
          </button>
        </p>
      )}
      {rows.length > 0 ? (
        <LogView rows={rows} live={!isTerminal(run.state.type)} />
      ) : (
        log.error === undefined && <p className="quiet">{noRowsWords(log)}</p>
      )}
    </section>
  );
}

function LogFilterForm(props: {
  level: LogLevel;
  text: string;
  onText: (text: string) => void;
  disabled: boolean;
}) {
  const navigate = route.useNavigate();
  const [levelId, textId] = [useId(), useId()];
  return (
    <>
      <label className="visually-hidden" htmlFor={levelId}>
        Level
      </label>
      <select
        id={levelId}
        className="input"
        value={props.level}
        disabled={props.disabled}
        onChange={({ target }) =>
          void navigate({
            search: { level: target.value as LogLevel },
            replace: true,
            resetScroll: false,
          })
        }
      >
        {LOG_LEVEL_CHOICES.map(({ level, words }) => (
          <option key={level} value={level}>
            {words}
          </option>
        ))}
      </select>
      <label className="visually-hidden" htmlFor={textId}>
        Text in the lines read so far
      </label>
      <input
        id={textId}
        type="search"
        className="input"
        placeholder="Find in these lines"
        autoComplete="off"
        value={props.text}
        disabled={props.disabled}
        onChange={({ target }) => props.onText(target.value)}
      />
    </>
  );
}

function noRowsWords({ lineCount, complete }: LogSlots): string {
  if (lineCount > 0) return complete ? "No line matches." : "No line matches so far.";
  return complete ? "No lines." : "No lines yet.";
}

function linesWords(rows: readonly LogRow[], log: LogSlots): string {
  if (log.lineCount === 0) return "";
  const total = countWords(log.lineCount);
  const shown = rows.filter(({ kind }) => kind === "line").length;
  const sealed = rows.some(({ kind }) => kind === "sealed");
  const all = shown === log.lineCount || (shown === 0 && sealed);
  const some = all ? total : `${countWords(shown)} of ${total}`;
  const words = `${some} ${log.lineCount === 1 ? "line" : "lines"}`;
  if (log.error !== undefined) return `${words}; reading on failed: ${wordsOf(log.error)}`;
  return log.complete ? words : `${words} so far`;
}
