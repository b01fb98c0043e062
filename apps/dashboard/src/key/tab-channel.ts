/** What tabs of one workspace tell each other about the key. */
export type TabMessage = {
  readonly workspaceId: string;
  readonly event: "unlocked" | "locked" | "active";
};

export type TabChannel = {
  tell(message: TabMessage): void;
  listen(listener: (message: TabMessage) => void): () => void;
};

/** Tabs lock together: one that was left open in the background must not keep the key alive, nor lose it while another is in use. */
export function createTabChannel(): TabChannel {
  const channel = new BroadcastChannel("downbeat-key");
  return {
    tell: (message) => channel.postMessage(message),
    listen(listener) {
      const forward = (event: MessageEvent<TabMessage>) => listener(event.data);
      channel.addEventListener("message", forward);
      return () => channel.removeEventListener("message", forward);
    },
  };
}
