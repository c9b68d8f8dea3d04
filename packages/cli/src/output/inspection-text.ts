import type { Inspection } from '@lowbit/runtime';
import { type Fact, formatFactTable } from './fact-table.ts';
import { foldNames } from './fold-names.ts';
import { formatBytes } from './format.ts';
import type { Paint } from './style.ts';
import { formatTable } from './table.ts';

export interface InspectionTextOptions {
  readonly paint: Paint;
  /** One row per tensor instead of one per run of tensors that differ only in their layer. */
  readonly allTensors: boolean;
}

/** An inspection as people read it. */
export function formatInspection(inspection: Inspection, options: InspectionTextOptions): string {
  const { paint } = options;
  return [
    formatFacts(inspection, paint),
    formatFiles(inspection, paint),
    formatTypes(inspection, paint),
    formatTensors(inspection, options),
  ].join('\n');
}

function formatFacts(inspection: Inspection, paint: Paint): string {
  const { architecture, modelType, quantMethod, quantizationSource, settings, notes } = inspection;
  const quantization =
    quantizationSource === undefined
      ? 'none stated'
      : `${quantMethod ?? 'no quant_method'} (from ${quantizationSource})`;
  const facts: Fact[] = [
    ['model', inspection.path],
    ['architecture', `${architecture ?? 'not stated'} (model_type ${modelType ?? 'not stated'})`],
    ['quantization', quantization],
    ...Object.entries(settings ?? {}).map(([name, value]) => [`  ${name}`, String(value)] satisfies Fact),
    ...notes.map((note) => ['note', note] satisfies Fact),
  ];
  return formatFactTable(facts, paint);
}

function formatFiles({ files }: Inspection, paint: Paint): string {
  return formatTable(
    [{ header: 'file' }, { header: 'tensors', align: 'right' }, { header: 'size', align: 'right' }],
    files.map(({ name, tensors, bytes }) => [name, `${tensors}`, formatBytes(bytes)]),
    { paint },
  );
}

function formatTypes({ bytesByDType, totalBytes }: Inspection, paint: Paint): string {
  const rows = Object.entries(bytesByDType).map(([dtype, bytes]) => [
    dtype,
    formatBytes(bytes),
    `${((100 * bytes) / totalBytes).toFixed(1)} %`,
  ]);
  rows.push(['total', formatBytes(totalBytes), '']);
  return formatTable(
    [{ header: 'dtype' }, { header: 'size', align: 'right' }, { header: 'share', align: 'right' }],
    rows,
    { paint },
  );
}

function formatTensors({ tensors }: Inspection, { paint, allTensors }: InspectionTextOptions): string {
  const rows = allTensors
    ? tensors.map((tensor) => ({ name: tensor.name, items: [tensor] }))
    : foldNames(
        tensors,
        ({ name }) => name,
        ({ dtype, shape }) => `${dtype} ${shape}`,
      );
  return formatTable(
    [
      { header: 'tensor' },
      { header: 'count', align: 'right' },
      { header: 'dtype' },
      { header: 'shape' },
      { header: 'size', align: 'right' },
    ],
    rows.map(({ name, items }) => [
      name,
      `${items.length}`,
      items[0]?.dtype ?? '',
      `[${items[0]?.shape.join(', ')}]`,
      formatBytes(items.reduce((sum, { bytes }) => sum + bytes, 0)),
    ]),
    { paint },
  );
}
