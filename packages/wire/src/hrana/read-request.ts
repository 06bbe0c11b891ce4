import type { ProtobufReader } from "../framing/protobuf-reader.js";
import { encodeBase64 } from "./base64.js";
import type {
  HranaBatch,
  HranaBatchStep,
  HranaCondition,
  HranaNamedArg,
  HranaSqlSource,
  HranaStmt,
  HranaValue,
} from "./hrana-types.js";
import { MAX_CONDITION_DEPTH, NO_STEP_BEFORE, ONE_SOURCE, TOO_DEEP } from "./request-rules.js";
import type { StatementCount } from "./statement-count.js";

// The structures of requests in protobuf, by hand: generated code allocates all of a message, some hundred bytes for two,
// before anybody can count what is in it, and its limit of nesting is not the one of JSON. The reader stands in the message
// in every function here, and they read it to its end.

const NULL: HranaValue = { type: "null" };
const IS_AUTOCOMMIT: HranaCondition = { type: "is_autocommit" };

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function readStmt(reader: ProtobufReader): HranaStmt {
  const stmt: Writable<HranaStmt> = {};
  const args: HranaValue[] = [];
  const namedArgs: HranaNamedArg[] = [];
  while (reader.next()) {
    if (reader.field === 1) stmt.sql = reader.string("sql");
    else if (reader.field === 2) stmt.sql_id = reader.int32("sql_id");
    else if (reader.field === 3) args.push(readMember(reader, "args", readValue, args.length));
    else if (reader.field === 4)
      namedArgs.push(readMember(reader, "named_args", readNamedArg, namedArgs.length));
    else if (reader.field === 5) stmt.want_rows = reader.bool("want_rows");
    else reader.skip();
  }
  if (args.length > 0) stmt.args = args;
  if (namedArgs.length > 0) stmt.named_args = namedArgs;
  return checkSqlSource(reader, stmt);
}

export function readBatch(reader: ProtobufReader, count: StatementCount): HranaBatch {
  const steps: HranaBatchStep[] = [];
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    count.add();
    const index = steps.length;
    steps.push(readMember(reader, "steps", (step) => readStep(step, index), index));
  }
  return { steps };
}

export function checkSqlSource<T extends HranaSqlSource>(reader: ProtobufReader, source: T): T {
  return (source.sql === undefined) === (source.sql_id === undefined) ? reader.fail(ONE_SOURCE) : source;
}

/** Reads a field that is a message. */
export function readMember<T>(
  reader: ProtobufReader,
  name: string,
  read: (reader: ProtobufReader) => T,
  index?: number,
): T {
  reader.enter(name, index);
  const value = read(reader);
  reader.leave();
  return value;
}

function readStep(reader: ProtobufReader, index: number): HranaBatchStep {
  let condition: HranaCondition | undefined;
  let stmt: HranaStmt | undefined;
  while (reader.next()) {
    if (reader.field === 1)
      condition = readMember(reader, "condition", () => readCondition(reader, index, 1));
    else if (reader.field === 2) stmt = readMember(reader, "stmt", readStmt);
    else reader.skip();
  }
  if (stmt === undefined) return reader.fail("an object with a stmt");
  return condition === undefined ? { stmt } : { condition, stmt };
}

function readCondition(reader: ProtobufReader, ownStep: number, depth: number): HranaCondition {
  if (depth > MAX_CONDITION_DEPTH) reader.fail(TOO_DEEP);
  const readInner = (): HranaCondition => readCondition(reader, ownStep, depth + 1);
  let condition: HranaCondition | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        condition = { type: "ok", step: readStepIndex(reader, ownStep) };
        break;
      case 2:
        condition = { type: "error", step: readStepIndex(reader, ownStep) };
        break;
      case 3:
        condition = { type: "not", cond: readMember(reader, "cond", readInner) };
        break;
      case 4:
        condition = { type: "and", conds: readConditions(reader, readInner) };
        break;
      case 5:
        condition = { type: "or", conds: readConditions(reader, readInner) };
        break;
      case 6:
        readEmpty(reader, "is_autocommit");
        condition = IS_AUTOCOMMIT;
        break;
      default:
        reader.skip();
    }
  }
  return condition ?? reader.fail("a condition of a type that is known");
}

/** A list is a message too, which has no place in JSON. */
function readConditions(reader: ProtobufReader, read: () => HranaCondition): readonly HranaCondition[] {
  const conds: HranaCondition[] = [];
  reader.enter("list");
  while (reader.next()) {
    if (reader.field === 1) conds.push(readMember(reader, "conds", read, conds.length));
    else reader.skip();
  }
  reader.leave();
  return conds;
}

function readStepIndex(reader: ProtobufReader, ownStep: number): number {
  const step = reader.uint32("step");
  if (ownStep === 0) reader.fail(NO_STEP_BEFORE, "step");
  return step < ownStep ? step : reader.fail(`an integer from 0 to ${ownStep - 1}`, "step");
}

function readNamedArg(reader: ProtobufReader): HranaNamedArg {
  let name = "";
  let value: HranaValue | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string("name");
    else if (reader.field === 2) value = readMember(reader, "value", readValue);
    else reader.skip();
  }
  return value === undefined ? reader.fail("an object with a value") : { name, value };
}

function readValue(reader: ProtobufReader): HranaValue {
  let value: HranaValue | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        readEmpty(reader, "null");
        value = NULL;
        break;
      case 2:
        value = { type: "integer", value: reader.sint64("integer") };
        break;
      case 3:
        value = { type: "float", value: reader.double("float") };
        break;
      case 4:
        value = { type: "text", value: reader.string("text") };
        break;
      case 5:
        value = { type: "blob", base64: encodeBase64(reader.bytes("blob")) };
        break;
      default:
        reader.skip();
    }
  }
  return value ?? reader.fail("a value of a type that is known");
}

/** A message that has no fields that are known. */
function readEmpty(reader: ProtobufReader, name: string): void {
  reader.enter(name);
  while (reader.next()) reader.skip();
  reader.leave();
}
