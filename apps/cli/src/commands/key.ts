import { Command } from "commander";
import { keyCreateCommand } from "./key-create.ts";
import { keyShowCommand } from "./key-show.ts";

export function keyCommand(): Command {
  return new Command("key")
    .description("make and show the workspace key")
    .addCommand(keyCreateCommand())
    .addCommand(keyShowCommand());
}
