import type { Speed, SpeedReport } from '@lowbit/runtime';
import { formatFactTable } from './fact-table.ts';
import { formatBytes, formatSeconds, formatSignificant } from './format.ts';
import type { Paint } from './style.ts';
import { formatTable } from './table.ts';

interface MeasuredRun extends Pick<SpeedReport, 'prefill'> {
  readonly decode: { readonly batches: SpeedReport['decode'] };
  readonly load: { readonly seconds: number };
  readonly memory: { readonly peakBytes: number; readonly weightBytes: number };
}

/** A table of speeds, and what the model took. */
export function formatSpeed({ prefill, decode, load, memory }: MeasuredRun, paint: Paint): string {
  const rows = [
    row(`prefill ${prefill.promptTokens}`, prefill),
    ...decode.batches.map((one) => row(`decode ${one.newTokens} after ${one.context}, batch ${one.batch}`, one)),
  ];
  const table = formatTable(
    [
      { header: 'tokens' },
      { header: 'per second', align: 'right' },
      { header: 'lowest', align: 'right' },
      { header: 'highest', align: 'right' },
    ],
    rows,
    { paint },
  );
  const facts = formatFactTable(
    [
      ['load', formatSeconds(load.seconds)],
      ['weights', formatBytes(memory.weightBytes)],
      ['process', `${formatBytes(memory.peakBytes)} at most`],
    ],
    paint,
  );
  return `${table}\n${facts}`;
}

function row(name: string, { tokensPerSecond, lowest, highest }: Speed): readonly string[] {
  return [name, ...[tokensPerSecond, lowest, highest].map(formatSignificant)];
}
