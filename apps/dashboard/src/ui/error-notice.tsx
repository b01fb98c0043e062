import { wordsOf } from "./words-of.ts";

/** What failed, in the API's words, with a way to try again. */
export function ErrorNotice(props: { what: string; error: unknown; onRetry?: () => void }) {
  return (
    <div className="notice notice--bad" role="alert">
      <strong>{props.what}.</strong> {wordsOf(props.error)}{" "}
      {props.onRetry !== undefined && (
        <button type="button" className="button" onClick={props.onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
