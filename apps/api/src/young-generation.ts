import { setFlagsFromString } from "node:v8";

// A batch of 500 makes a few megabytes of short-lived objects. With V8's default of 16 MB for them, a quarter of the API's
// time went into copying those that a batch under way still needed. Imported before anything else, while the heap is small.
setFlagsFromString("--max-semi-space-size=32");
