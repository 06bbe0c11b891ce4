import { expect, test } from "vitest";
import { createRandom, createVirtualClock, describeClock } from "../src/index.js";

describeClock("the virtual clock", () => ({ clock: createVirtualClock(createRandom(1)) }));

test("time moves with sleeps only, and the bytes are those of the seed", () => {
  const [clock, same] = [1, 2].map(() => createVirtualClock(createRandom(5), 1_000));
  clock?.sleep(86_400_000);
  expect([clock?.now(), same?.now()]).toEqual([86_401_000, 1_000]);
  expect(clock?.randomBytes(20)).toEqual(same?.randomBytes(20));
  const other = createVirtualClock(createRandom(6)).randomBytes(20);
  expect(createVirtualClock(createRandom(5)).randomBytes(20)).not.toEqual(other);
});
