import { z } from "zod";

// zod compiles object schemas with `new Function`, which the page's Content-Security-Policy forbids. The setting is read
// when a schema is made, so this module must be evaluated before any that makes one.
z.config({ jitless: true });
