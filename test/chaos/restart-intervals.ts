/** For planes whose processes come and go: a lease outlasts every absence, and what did not is seen soon. */
export const RESTART_INTERVALS = {
  leaseSeconds: 15,
  heartbeatSeconds: 3,
  reconnectWindowSeconds: 60,
  sweepSeconds: 1,
};
