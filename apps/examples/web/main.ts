import { buildNewsletterApp } from "./newsletter.ts";

const app = buildNewsletterApp();
process.stdout.write(`${await app.listen({ host: "127.0.0.1", port: 0 })}\n`);
process.once("SIGTERM", () => void app.close());
