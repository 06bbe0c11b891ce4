import type { ProtobufReader } from "../framing/protobuf-reader.js";
import type { HranaCondition } from "../hrana/hrana-types.js";
import { readMember } from "../hrana/read-request.js";
import { MAX_CONDITION_DEPTH, NO_STEP_BEFORE, TOO_DEEP } from "../hrana/request-rules.js";

/** Reads a `Cond`, which means what the condition of that name does in Hrana. `ownStep`: the number of the step that has it. */
export function readProxyCondition(reader: ProtobufReader, ownStep: number, depth: number): HranaCondition {
  if (depth > MAX_CONDITION_DEPTH) reader.fail(TOO_DEEP);
  const readInner = (): HranaCondition => readProxyCondition(reader, ownStep, depth + 1);
  let condition: HranaCondition | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        condition = { type: "ok", step: readMember(reader, "ok", () => readStepIndex(reader, ownStep)) };
        break;
      case 2:
        condition = { type: "error", step: readMember(reader, "err", () => readStepIndex(reader, ownStep)) };
        break;
      case 3: {
        const [cond = reader.fail("a condition with one in it")] = readList(reader, "not", readInner);
        condition = { type: "not", cond };
        break;
      }
      case 4:
        condition = { type: "and", conds: readList(reader, "and", readInner) };
        break;
      case 5:
        condition = { type: "or", conds: readList(reader, "or", readInner) };
        break;
      case 6:
        readMember(reader, "is_autocommit", () => {
          while (reader.next()) reader.skip();
        });
        condition = { type: "is_autocommit" };
        break;
      default:
        reader.skip();
    }
  }
  return condition ?? reader.fail("a condition of a type that is known");
}

/** The field is a message whose first field is conditions. */
function readList(
  reader: ProtobufReader,
  name: string,
  read: () => HranaCondition,
): readonly HranaCondition[] {
  return readMember(reader, name, () => {
    const conditions: HranaCondition[] = [];
    while (reader.next()) {
      if (reader.field === 1) conditions.push(readMember(reader, "cond", read, conditions.length));
      else reader.skip();
    }
    return conditions;
  });
}

/** Step 0 is not written: protobuf leaves zeros out. */
function readStepIndex(reader: ProtobufReader, ownStep: number): number {
  let step = 0n;
  while (reader.next()) {
    if (reader.field === 1) step = reader.int64("step");
    else reader.skip();
  }
  if (ownStep === 0) reader.fail(NO_STEP_BEFORE, "step");
  return step >= 0n && step < ownStep
    ? Number(step)
    : reader.fail(`an integer from 0 to ${ownStep - 1}`, "step");
}
