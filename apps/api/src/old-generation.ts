import { setFlagsFromString } from "node:v8";

// V8 lets old objects grow to several times those that live before it clears them away, and then keeps the memory: after a
// thousand agents had joined, 100 MB more than they need. At twice, throughput costs no more (docs/performance.md). A
// running process can set this, but not how much room young objects have.
setFlagsFromString("--heap-growing-percent=100");
