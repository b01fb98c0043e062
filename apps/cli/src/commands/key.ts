import { Command } from "commander";
import { keyCreateCommand } from "./key-create.ts";
import { keyExportCommand } from "./key-export.ts";
import { keyImportCommand } from "./key-import.ts";
import { keyRecoverCommand } from "./key-recover.ts";
import { keyRewrapCommand } from "./key-rewrap.ts";
import { keyRotateCommand } from "./key-rotate.ts";
import { keyShowCommand } from "./key-show.ts";
import { keyVerifyCommand } from "./key-verify.ts";

export function keyCommand(): Command {
  return new Command("key")
    .description("make, carry, rotate, check and recover the workspace key")
    .addCommand(keyCreateCommand())
    .addCommand(keyShowCommand())
    .addCommand(keyExportCommand())
    .addCommand(keyImportCommand())
    .addCommand(keyRotateCommand())
    .addCommand(keyRewrapCommand())
    .addCommand(keyVerifyCommand())
    .addCommand(keyRecoverCommand());
}
