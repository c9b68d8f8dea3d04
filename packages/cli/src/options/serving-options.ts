import { type Command, Option } from 'commander';
import { type LogLevel, logLevels } from '../output/logger.ts';
import { addChatTemplateOption, type ChatTemplateOptions } from './chat-template-option.ts';
import { decimalNumber, tokenCount, wholeNumber } from './parse-number.ts';

/** The options of `serve`, spelled as in SGLang where SGLang has them. */
export interface ServingOptions extends ChatTemplateOptions {
  readonly modelPath?: string;
  readonly model?: string;
  readonly servedModelName?: string;
  readonly host: string;
  readonly port: number;
  readonly apiKey?: string;
  readonly logLevel: LogLevel;
  readonly quantization?: string;
  readonly dtype?: string;
  readonly contextLength?: number;
  readonly maxRunningRequests?: number;
  readonly maxTotalTokens?: number;
  readonly chunkedPrefillSize?: number;
  readonly memFractionStatic?: number;
  readonly randomSeed?: number;
}

const dtypes = ['auto', 'half', 'float16', 'bfloat16', 'float', 'float32'];

export function addServingOptions(command: Command): Command {
  command
    .option('--model-path <folder>', 'the model, as an option')
    .option('--model <folder>', 'the same')
    .option('--served-model-name <name>', "name in /v1/models (default: the folder's)")
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0: any free one', wholeNumber({ min: 0, max: 65_535 }), 30_000)
    .option('--api-key <key>', 'wanted as a bearer token; better in LOWBIT_API_KEY, as arguments show in process lists')
    .addOption(new Option('--log-level <level>', 'what to log on stderr').choices(logLevels).default('info'))
    .option('--quantization <method>', 'stop where the checkpoint was made by another method')
    .addOption(new Option('--dtype <dtype>', 'accepted; values between kernels are always float32').choices(dtypes))
    .option('--context-length <tokens>', "most tokens in one sequence (default: the model's)", tokenCount)
    .option('--max-running-requests <number>', 'most sequences in one batch', wholeNumber({ min: 1 }))
    .option('--max-total-tokens <tokens>', 'tokens that the KV cache holds, all sequences together', tokenCount)
    .option('--chunked-prefill-size <tokens>', 'most prompt tokens in one forward', tokenCount)
    .option('--mem-fraction-static <share>', 'accepted; see --max-total-tokens', decimalNumber({ above: 0, max: 1 }))
    .option('--random-seed <number>', 'seeds requests that bring no seed', wholeNumber({ min: 0, max: 2 ** 31 - 1 }));
  return addChatTemplateOption(command);
}

/** What to say about options that are accepted and change nothing. */
export function servingNotices({ dtype, memFractionStatic }: ServingOptions): readonly string[] {
  const notices: string[] = [];
  if (dtype !== undefined && !['auto', 'float', 'float32'].includes(dtype)) {
    notices.push(
      `--dtype ${dtype} changes nothing: values between kernels are float32; what a kernel may approximate is up to --numerics`,
    );
  }
  if (memFractionStatic !== undefined) {
    notices.push(
      `--mem-fraction-static ${memFractionStatic} changes nothing: weights take what lowbit explain shows, and the KV cache ` +
        'holds a number of tokens, set with --max-total-tokens',
    );
  }
  return notices;
}
