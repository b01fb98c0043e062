import { register } from "node:module";

// Loaded before an agent's own code (--import), so that what it does can be measured without the cost of encryption. No
// switch in the product does this, and none may.
register("./without-sealing-hooks.js", import.meta.url);
