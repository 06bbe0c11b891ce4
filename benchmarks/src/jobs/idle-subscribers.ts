import { setTimeout as delay } from "node:timers/promises";
import { usageOf } from "../peers/process-usage.js";
import { insertStatements, runRemoteSql } from "../peers/run-remote-sql.js";
import { type Subscriber, type Subscription, subscribe } from "../peers/subscribe.js";
import { type Job, timed } from "./job.js";
import { CREATE_ITEMS } from "./rows.js";

/** So many are connected at the same time. */
const AT_ONCE = 100;

/** What subscribers that are told of nothing cost the server; at last they are told of a commit, to see that they are there. */
export const idleSubscribers: Job<{
  url: string;
  pid: number;
  subscription: Subscription;
  subscribers: number;
  milliseconds: number;
}> = async ({ url, pid, subscription, subscribers: count, milliseconds }) => {
  await runRemoteSql(url, [CREATE_ITEMS, ...insertStatements(1, 10)]);
  const before = usageOf(pid);
  const subscribers: Subscriber[] = [];
  let told = 0;
  let allTold = (): void => {};
  const onPages = (): void => {
    told++;
    if (told === count) allTold();
  };
  while (subscribers.length < count) {
    const few = Math.min(AT_ONCE, count - subscribers.length);
    const opening = Array.from({ length: few }, () => subscribe(subscription, url, onPages));
    subscribers.push(...(await Promise.all(opening)));
  }
  // What connecting has left to be done is not part of being idle; nor are processes that run SQL, which end by and by.
  await delay(Math.min(milliseconds, 2_000));
  const idle = usageOf(pid);
  await delay(milliseconds);
  const after = usageOf(pid);
  if (told > 0) throw new Error(`${told} subscribers were told of something`);
  const telling = await timed(async () => {
    const arrived = new Promise<void>((resolve) => {
      allTold = resolve;
    });
    await runRemoteSql(url, insertStatements(100, 1));
    await arrived;
  });
  await Promise.all(subscribers.map((subscriber) => subscriber.end()));
  return {
    subscribers: count,
    "CPU, s/min": ((after.cpu - idle.cpu) / milliseconds) * 60_000,
    "memory, MB": after.memory,
    "memory each, KB": ((after.memory - before.memory) / count) * 1024,
    "a commit to all, ms": telling,
  };
};
