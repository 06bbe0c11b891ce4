import type { Authorize } from "./access.js";

/** What holds where nobody else decides: everybody may write, and nobody administers. */
export const openAccess: Authorize = () => ({ access: "write" });
