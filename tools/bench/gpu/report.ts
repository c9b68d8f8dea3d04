import { median, range, significant, tableHead, tableRow } from '../statistics.mjs';
import type { ChainTimes } from './measure-chains.ts';
import type { ModelTimes, StepTimes } from './measure-model.ts';
import { measured } from './measure-model.ts';
import type { OnnxChain, OnnxChainTimes } from './onnx-chains.ts';

export interface GpuReport {
  readonly adapter: Readonly<Record<string, string>>;
  /** Names and versions of what took part. */
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
  /** Of the card's data sheet, bytes per second; absent where it was not given. */
  readonly dataSheet?: number;
  /** Bytes per second of dispatches that only read, by the bytes of one. */
  readonly reading: readonly { readonly bytes: number; readonly bytesPerSecond: number }[];
  readonly chains: readonly {
    readonly size: number;
    readonly matrixBytes: number;
    readonly count: number;
    readonly numerics: string;
    readonly times: readonly ChainTimes[];
  }[];
  readonly onnx: readonly {
    readonly chain: OnnxChain;
    readonly times: readonly OnnxChainTimes[];
    /** Why there are no times. */
    readonly error?: string;
  }[];
  readonly models: readonly {
    readonly shape: string;
    readonly scheme: string;
    readonly numerics: string;
    /** That a decoded token takes from memory at least: weights but the embedding, and keys and values. */
    readonly bytesPerToken: number;
    readonly times: ModelTimes;
  }[];
}

export function reportText(report: GpuReport): string {
  const { adapter, versions, date, dataSheet, reading } = report;
  const named = (record: Readonly<Record<string, string>>) =>
    Object.entries(record)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const speeds = reading.map(
    ({ bytes, bytesPerSecond }) =>
      `${significant(bytesPerSecond / 1e9)} GB/s in pieces of ${significant(bytes / 1e6)} MB`,
  );
  const sheet = dataSheet === undefined ? '' : `; the data sheet says ${significant(dataSheet / 1e9)} GB/s`;
  return [
    `# Measured on ${adapter.device || adapter.description || 'a GPU'}, ${date}`,
    '',
    `- ${named(adapter)}`,
    `- ${named(versions)}`,
    `- dispatches that only read: ${speeds.join(', ')}${sheet}`,
    '',
    '## Products of 4-bit matrices',
    '',
    chainTable(report),
    '',
    ...(report.onnx.length === 0 ? [] : ['### ONNX Runtime, everything it was asked for', '', onnxTable(report), '']),
    '## Models',
    '',
    modelTable(report),
    '',
    '## Where the time goes',
    '',
    ...report.models.flatMap(({ shape, numerics, times }) => [
      stepText(`${shape}, ${numerics}, decode`, times.decodeStep),
      stepText(`${shape}, ${numerics}, prefill`, times.prefillStep),
    ]),
  ].join('\n');
}

function chainTable({ chains, onnx, reading, dataSheet }: GpuReport): string {
  const head = tableHead([
    'size',
    'rows',
    'numerics',
    'on the device, us',
    'lowest-highest',
    'GB/s or TFLOP/s',
    'of only reading',
    'of the data sheet',
    'as run, us',
    'dispatches',
    "ONNX Runtime's kernels, us",
    'ratio',
    'ONNX Runtime as run, us',
    'ratio',
  ]);
  const rows = chains.flatMap(({ size, matrixBytes, numerics, times }) =>
    times.map(({ rows, onDevice, asRun, dispatches }) => {
      const time = median(onDevice);
      const few = rows <= 16;
      const rate = matrixBytes / (time / 1000);
      const read = reading.find(({ bytes }) => Math.abs(bytes / matrixBytes - 1) < 0.05)?.bytesPerSecond;
      const peer = peerOf(onnx, size, rows, numerics);
      const share = (whole: number | undefined) => (few && whole ? `${Math.round((100 * rate) / whole)} %` : '');
      return tableRow([
        size,
        rows,
        numerics,
        significant(1000 * time),
        range(onDevice.map((one) => 1000 * one)),
        few ? significant(rate / 1e9) : significant((2 * rows * size * size) / time / 1e9),
        share(read),
        share(dataSheet),
        significant(1000 * median(asRun)),
        Number(dispatches.toFixed(2)),
        ...peerCells(peer.onDevice, peer.onDevice?.kernels, time),
        ...peerCells(peer.asRun, peer.asRun?.time, median(asRun)),
      ]);
    }),
  );
  return `${head}\n${rows.join('\n')}`;
}

function onnxTable({ onnx }: GpuReport): string {
  const head = tableHead([
    'size',
    'rows',
    'activations and numbers',
    'us',
    'lowest-highest',
    'handing over, us',
    'kernels alone, us',
  ]);
  const rows = onnx.flatMap(({ chain, times, error }) =>
    error === undefined
      ? times.map(({ rows, milliseconds, handingOver, kernels }) =>
          tableRow([
            chain.size,
            rows,
            kindOf(chain),
            significant(1000 * median(milliseconds)),
            range(milliseconds.map((one) => 1000 * one)),
            significant(1000 * handingOver),
            kernels === undefined ? '' : significant(1000 * kernels),
          ]),
        )
      : [tableRow([chain.size, '', kindOf(chain), error.replace(/[\s|]+/g, ' '), '', '', ''])],
  );
  return `${head}\n${rows.join('\n')}`;
}

function peerCells(peer: { readonly kind: string } | undefined, time: number | undefined, own: number) {
  if (peer === undefined || time === undefined) return ['', ''];
  return [`${significant(1000 * time)} (${peer.kind})`, (time / own).toFixed(2)];
}

/** The fastest that may do what our numerics may: `exact` in f32, `fast` with activations in 8 bits or f16. */
function peerOf(onnx: GpuReport['onnx'], size: number, rows: number, numerics: string) {
  const exact = numerics === 'exact';
  const able = onnx
    .filter(({ chain }) => chain.size === size && (!exact || (chain.accuracyLevel === 0 && chain.numbers === 'float')))
    .flatMap(({ chain, times }) =>
      times
        .filter((one) => one.rows === rows)
        .map(({ milliseconds, kernels }) => ({ kind: kindOf(chain), kernels, time: median(milliseconds) })),
    );
  const fastest = (by: 'time' | 'kernels') =>
    able.filter((one) => one[by] !== undefined).sort((a, b) => a[by]! - b[by]!)[0];
  const [asRun, onDevice] = [fastest('time'), fastest('kernels')];
  return { asRun, onDevice };
}

function kindOf({ accuracyLevel, numbers }: OnnxChain): string {
  const type = numbers === 'float' ? 'f32' : 'f16';
  return accuracyLevel === 4 ? `int8, ${type}` : type;
}

function modelTable({ models, reading, dataSheet }: GpuReport): string {
  const fastest = Math.max(...reading.map(({ bytesPerSecond }) => bytesPerSecond));
  const head = tableHead([
    'shape',
    'weights',
    'numerics',
    `prefill ${measured.promptTokens}, tokens/s`,
    'lowest-highest',
    `decode after ${measured.context}, tokens/s`,
    'lowest-highest',
    'MB per token',
    'GB/s',
    'of only reading',
    'of the data sheet',
    'step, ms',
    'on the device, ms',
    'dispatches',
    'submits',
    'loading, s',
  ]);
  const rows = models.map(({ shape, scheme, numerics, bytesPerToken, times }) => {
    const { prefill, decode, decodeStep, loadSeconds } = times;
    const rate = bytesPerToken * decode.tokensPerSecond;
    return tableRow([
      shape,
      scheme,
      numerics,
      significant(prefill.tokensPerSecond),
      range(prefill.runs),
      significant(decode.tokensPerSecond),
      range(decode.runs),
      significant(bytesPerToken / 1e6),
      significant(rate / 1e9),
      `${Math.round((100 * rate) / fastest)} %`,
      dataSheet === undefined ? '' : `${Math.round((100 * rate) / dataSheet)} %`,
      significant(decodeStep.asRun),
      significant(decodeStep.onDevice),
      decodeStep.dispatches,
      decodeStep.submits,
      significant(loadSeconds),
    ]);
  });
  return `${head}\n${rows.join('\n')}`;
}

function stepText(title: string, { rows, onDevice, asRun, dispatches, submits, kernels }: StepTimes): string {
  const head = tableHead(['kernel', 'dispatches', 'ms of all', 'us of one']);
  const lines = kernels.map(({ kernel, dispatches, milliseconds }) =>
    tableRow([kernel, dispatches, milliseconds.toFixed(3), significant((1000 * milliseconds) / dispatches)]),
  );
  const sum = kernels.reduce((total, { milliseconds }) => total + milliseconds, 0);
  return [
    `### ${title}`,
    '',
    `${rows} ${rows === 1 ? 'row' : 'rows'}: ${significant(asRun)} ms as run, ${significant(onDevice)} ms on the device; ${dispatches} dispatches in ${submits} ${submits === 1 ? 'submit' : 'submits'}; its kernels one kind after the other ${significant(sum)} ms.`,
    '',
    head,
    ...lines,
    '',
  ].join('\n');
}
