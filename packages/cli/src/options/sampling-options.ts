import type { SamplingParameters } from '@lowbit/runtime';
import type { Command } from 'commander';
import { decimalNumber, wholeNumber } from './parse-number.ts';

export interface SamplingOptions {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly ignoreEos?: boolean;
}

/** What is not given is left to the model's `generation_config.json`, and then to the runtime. */
export function addSamplingOptions(command: Command): Command {
  return command
    .option('--max-tokens <number>', 'most tokens to generate', wholeNumber({ min: 1 }))
    .option('--temperature <number>', '0 always takes the likeliest token', decimalNumber({ min: 0 }))
    .option('--top-p <number>', 'likeliest tokens up to this probability', decimalNumber({ above: 0, max: 1 }))
    .option('--top-k <number>', 'this many likeliest tokens; -1: all', wholeNumber({ min: -1 }))
    .option('--min-p <number>', 'drop tokens below this share of the likeliest', decimalNumber({ min: 0, max: 1 }))
    .option(
      '--repetition-penalty <number>',
      'more than 1: fewer tokens of prompt and output',
      decimalNumber({ above: 0, max: 2 }),
    )
    .option('--presence-penalty <number>', 'for tokens in the output', decimalNumber({ min: -2, max: 2 }))
    .option('--frequency-penalty <number>', 'once per occurrence in the output', decimalNumber({ min: -2, max: 2 }))
    .option('--seed <number>', 'repeats a generation; printed after each', wholeNumber({ min: 0, max: 2 ** 32 - 1 }))
    .option('--stop <text>', 'end before this text; may be given several times', collect)
    .option('--ignore-eos', 'go on after the end of sequence');
}

const names = [
  'maxTokens',
  'temperature',
  'topP',
  'topK',
  'minP',
  'repetitionPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'stop',
  'ignoreEos',
] as const satisfies readonly (keyof SamplingOptions & keyof SamplingParameters)[];

export function samplingParameters(options: SamplingOptions): SamplingParameters {
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

function collect(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text];
}
