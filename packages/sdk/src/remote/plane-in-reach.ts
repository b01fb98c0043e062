import { DownbeatError } from "@downbeat/contract/errors";
import { currentFrame } from "../frame.ts";
import { locateProfile } from "../profile/read-profile.ts";
import type { RemotePlane } from "./remote-plane.ts";

/**
 * Gives the way to the plane: the agent of the run around the code that asked, else the profile. It rejects with
 * DownbeatError `profile_missing` or what {@link connectByProfile} throws; a connection that could not be made is tried
 * anew when it is called again.
 */
export type ReachPlane = () => Promise<RemotePlane>;

/** The way to the plane from here. */
export function planeInReach(): ReachPlane {
  const remote = currentFrame()?.scope?.host?.remote;
  return remote === undefined ? planeOfProfile : () => Promise.resolve(remote);
}

let connected: Promise<RemotePlane> | undefined;

// Shared by the whole process, and imported only now: client and sealing are most of the start-up time of a script.
function planeOfProfile(): Promise<RemotePlane> {
  connected ??= connect().catch((error: unknown) => {
    connected = undefined;
    throw error;
  });
  return connected;
}

async function connect(): Promise<RemotePlane> {
  const source = locateProfile();
  if (source === undefined) throw new DownbeatError("profile_missing");
  const { connectByProfile } = await import("./profile-plane.ts");
  return connectByProfile(source);
}
