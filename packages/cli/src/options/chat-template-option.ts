import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readTextFile } from '../read-text.ts';

export interface ChatTemplateOptions {
  readonly chatTemplate?: string;
}

export function addChatTemplateOption(command: Command): Command {
  return command.option('--chat-template <file>', "Jinja template to use instead of the model's own");
}

/** Text of the template file; undefined where none is named. */
export async function readChatTemplate(
  { chatTemplate }: ChatTemplateOptions,
  cwd: string,
): Promise<string | undefined> {
  return chatTemplate === undefined ? undefined : readTextFile(resolve(cwd, chatTemplate));
}
