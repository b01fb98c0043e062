export {
  checkHistory,
  INVARIANTS,
  type HistoryWindows,
  type InvariantName,
  type Violation,
} from "./check-history.ts";
export type { FinalRow, FinalRun, FinalSession, FinalState, Grant } from "./final-state.ts";
export {
  HistoryLog,
  type Fence,
  type HistoryEntry,
  type OpenCall,
  type OperationName,
  type ReportedItem,
} from "./history-log.ts";
