export { checkHistory, INVARIANTS, type InvariantName, type Violation } from "./check-history.ts";
export type {
  ClosedTime,
  FinalRow,
  FinalRun,
  FinalSession,
  FinalState,
  Grant,
} from "./final-state.ts";
export type { HistoryWindows } from "./invariant.ts";
export {
  HistoryLog,
  type Fence,
  type HistoryEntry,
  type OpenCall,
  type OperationName,
  type Operations,
  type ReportedItem,
} from "./history-log.ts";
