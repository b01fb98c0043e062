export {
  anAttackScene,
  LOG_ATTACKS,
  VICTIM_LINES,
  VICTIM_RUN,
  type AttackScene,
} from "./log-attacks.ts";
export { aCustomer, aLogChunk, type StoredLog } from "./sent-log.ts";
