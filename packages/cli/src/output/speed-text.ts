import type { Speed, SpeedReport } from '@lowbit/runtime';
import { type Fact, formatFactTable } from './fact-table.ts';
import { formatBytes, formatSeconds, formatSignificant } from './format.ts';
import type { Paint } from './style.ts';
import { formatTable } from './table.ts';

interface MeasuredRun extends Pick<SpeedReport, 'prefill'> {
  readonly decode: { readonly batches: SpeedReport['decode'] };
  readonly load: { readonly seconds: number };
  readonly firstToken: { readonly seconds: number; readonly promptTokens: number };
  readonly memory: {
    readonly peakBytes: number;
    readonly weightBytes: number;
    readonly readBytesPerSecond?: number;
  };
}

/** A table of speeds, and what the model took. */
export function formatSpeed(report: MeasuredRun, paint: Paint): string {
  const { prefill, decode, load, firstToken, memory } = report;
  const columns = ['per second', 'lowest', 'highest', 'reads per step', 'of memory speed'];
  const rows = [
    row(`prefill ${prefill.promptTokens}`, prefill),
    ...decode.batches.map((one) => [
      ...row(`decode ${one.newTokens} after ${one.context}, batch ${one.batch}`, one),
      one.bytesPerStep === undefined ? '' : formatBytes(one.bytesPerStep),
      one.bandwidthShare === undefined ? '' : `${Math.round(100 * one.bandwidthShare)} %`,
    ]),
  ];
  // A column that no row fills says nothing.
  const filled = columns.filter((_, index) => rows.some((cells) => cells[index + 1]));
  const table = formatTable(
    [{ header: 'tokens' }, ...filled.map((header) => ({ header, align: 'right' as const }))],
    rows,
    { paint },
  );
  const facts: Fact[] = [
    ['load', formatSeconds(load.seconds)],
    [
      'first token',
      `${formatSeconds(firstToken.seconds)} after the process started, prompt of ${firstToken.promptTokens}`,
    ],
    ['weights', formatBytes(memory.weightBytes)],
    ['process', `${formatBytes(memory.peakBytes)} at most`],
  ];
  if (memory.readBytesPerSecond !== undefined) {
    facts.push(['memory speed', `${formatSignificant(memory.readBytesPerSecond / 1e9)} GB/s read by the same threads`]);
  }
  return `${table}\n${formatFactTable(facts, paint)}`;
}

function row(name: string, { tokensPerSecond, lowest, highest }: Speed): readonly string[] {
  return [name, ...[tokensPerSecond, lowest, highest].map(formatSignificant)];
}
