export type { JwtAuthorizerOptions } from "./jwt-authorizer.js";
export { jwtAuthorizer } from "./jwt-authorizer.js";
export type { JwtAlgorithm, JwtKey, JwtKeys } from "./jwt-keys.js";
export { parseJwtKeys } from "./jwt-keys.js";
export { loadJwtKeys } from "./load-jwt-keys.js";
