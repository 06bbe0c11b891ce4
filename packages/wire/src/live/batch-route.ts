// A batch of the live protocol over plain HTTP: the body of the request is that of a `push`, that of the answer that of a
// `pushed`. A server that takes them says so in its answers.

/** Where batches are posted to, behind the name of the database. */
export const BATCH_PATH = "/batch";

/** The content type of the request and of its answer. */
export const BATCH_CONTENT_TYPE = "application/x-tributary-batch";

/** Header of answers: what the server takes beside what everybody does, separated by commas. */
export const ACCEPTS_HEADER = "tributary-accepts";

/** In {@link ACCEPTS_HEADER}: batches at {@link BATCH_PATH}. */
export const ACCEPTS_BATCH = "batch-1";
