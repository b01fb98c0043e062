import { LeasedDeployment, type Lease } from "@downbeat/contract";

/** Every lease with a deployment of its own. */
export function claimedOf(leases: readonly Lease[]): { leases: object[]; deployments: object[] } {
  const isShared = (key: string): boolean => key in LeasedDeployment.shape;
  const pick = (lease: Lease, shared: boolean): object =>
    Object.fromEntries(Object.entries(lease).filter(([key]) => isShared(key) === shared));
  return {
    leases: leases.map((lease, deployment) => ({ ...pick(lease, false), deployment })),
    deployments: leases.map((lease) => pick(lease, true)),
  };
}
