import type { Channel, MaybePromise } from "@tributary/core";
import type { CheckContext } from "../check.js";

/** What the suite of channels needs: two ends that are connected, and that nobody listens to yet. */
export interface ChannelContext extends CheckContext {
  readonly left: Channel;
  readonly right: Channel;
  /** The network between them goes away. Needed with `canCut`. */
  cut?(): MaybePromise<void>;
}

/** What the transport, not the code around it, decides. */
export interface ChannelOptions {
  /** The set-up gives `cut`. Default false. */
  readonly canCut?: boolean;
  /** Where nobody takes what is sent, the sender is told `full` before 64 MiB, and `onDrain` when somebody does. Default true. */
  readonly holdsBack?: boolean;
  /** What was taken before `close` still arrives. Default true. */
  readonly deliversBeforeClose?: boolean;
  /** The other end is told the reason that `close` was given, if it is short. Default true. */
  readonly carriesReason?: boolean;
  /** How long is waited for what has to come, ms. Default 10 000. */
  readonly patienceMs?: number;
}
