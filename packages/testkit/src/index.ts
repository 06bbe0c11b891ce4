export type { VirtualClock } from "./clock/virtual-clock.js";
export { createVirtualClock } from "./clock/virtual-clock.js";
export { copyFiles, fingerprintOf, makeCrashDirectory } from "./faults/crash-directory.js";
export type { Errno, FailingPorts, PlannedFailure } from "./faults/failing-ports.js";
export { createFailingPorts } from "./faults/failing-ports.js";
export type { FaultPlan, FaultyRemote, RemoteCall, RemoteFault } from "./faults/faulty-remote.js";
export { createFaultyRemote, randomFaults } from "./faults/faulty-remote.js";
export type { LossyStorage, SynchronousFiles } from "./faults/lossy-storage.js";
export { createLossyStorage } from "./faults/lossy-storage.js";
export type { CrashPoint, StopOptions, StoppedRun } from "./faults/stop-at-every-request.js";
export { stopAtEveryRequest } from "./faults/stop-at-every-request.js";
export type { AsyncFuzzOptions } from "./fuzz/fuzz-async-decoder.js";
export { fuzzAsyncDecoder } from "./fuzz/fuzz-async-decoder.js";
export type { FuzzInput, FuzzOptions, FuzzReport } from "./fuzz/fuzz-decoder.js";
export { fuzzDecoder } from "./fuzz/fuzz-decoder.js";
export type { FuzzProblem } from "./fuzz/fuzz-error.js";
export { FuzzError } from "./fuzz/fuzz-error.js";
export { mutateBytes } from "./fuzz/mutate-bytes.js";
export { mutateJson } from "./fuzz/mutate-json.js";
export type { MemoryProtocol, MemoryRemote, MemoryRemoteOptions } from "./memory/memory-remote.js";
export { createMemoryRemote } from "./memory/memory-remote.js";
export type { MemoryStorage } from "./memory/memory-storage.js";
export { createMemoryStorage } from "./memory/memory-storage.js";
export type { SeededRandom } from "./random/seeded-random.js";
export { createRandom } from "./random/seeded-random.js";
export type { Check, CheckContext, CheckFailure, SetUp } from "./suites/check.js";
export { failedChecks } from "./suites/check.js";
export type { ClockContext } from "./suites/describe-clock.js";
export { clockChecks, describeClock } from "./suites/describe-clock.js";
export { describeIoOperations, ioOperationsChecks } from "./suites/describe-io-operations.js";
export { describeProtocolIo, protocolIoChecks } from "./suites/describe-protocol-io.js";
export { describeSqlIo, sqlIoChecks } from "./suites/describe-sql-io.js";
export type {
  IoOperationsContext,
  IoOperationsOptions,
} from "./suites/io-operations/io-operations-context.js";
export type { ProtocolIoContext, ProtocolIoOptions } from "./suites/protocol-io/protocol-io-context.js";
export type { SqlIoContext, SqlIoOptions } from "./suites/sql-io/sql-io-context.js";
