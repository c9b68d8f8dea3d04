import type { RecordReport, VerifyReport } from '@lowbit/runtime';
import { count } from './format.ts';
import type { Paint, Style } from './style.ts';
import { type Cell, formatTable } from './table.ts';

const styles: Readonly<Record<RecordReport['status'], Style>> = { passed: 'green', failed: 'red', unchecked: 'yellow' };

/** A table with one row per record, and how many passed, failed and could not be checked. */
export function formatVerifyReport({ records }: VerifyReport, paint: Paint): string {
  const table = formatTable(
    [
      { header: 'record' },
      { header: 'status' },
      { header: 'max |diff|', align: 'right' },
      { header: 'of range', align: 'right' },
      { header: 'top-1', align: 'right' },
      { header: 'KL (nats)', align: 'right' },
      { header: 'rule' },
    ],
    records.map((report) => formatRecord(report)),
    { paint },
  );
  const numbers = (['passed', 'failed', 'unchecked'] as const).map(
    (status) => `${records.filter((record) => record.status === status).length} ${status}`,
  );
  return `${table}\n${count(records.length, 'record')}: ${numbers.join(', ')}\n`;
}

function formatRecord({ record, status, rule, measures }: RecordReport): Cell[] {
  const { maxAbsDifference, relative, top1Agreement, klDivergence } = measures ?? {};
  return [
    record,
    { text: status, style: styles[status] },
    maxAbsDifference === undefined ? '-' : formatDifference(maxAbsDifference),
    relative === undefined ? '-' : formatDifference(relative),
    top1Agreement === undefined ? '-' : `${(100 * top1Agreement).toFixed(1)} %`,
    klDivergence === undefined ? '-' : formatDifference(klDivergence),
    rule,
  ];
}

function formatDifference(value: number): string {
  return value === 0 ? '0' : value.toExponential(2);
}
