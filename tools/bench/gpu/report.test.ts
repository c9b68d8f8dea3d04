import { expect, it } from 'vitest';
import { type GpuReport, reportText } from './report.ts';

const matrixBytes = 34.6e6;
const onnx = (
  accuracyLevel: number,
  numbers: 'float' | 'float16',
  milliseconds: number,
): GpuReport['onnx'][number] => ({
  chain: { size: 8192, count: 7, rows: [1], accuracyLevel, numbers, samples: 1, warmUp: 0 },
  times: [{ rows: 1, milliseconds: [milliseconds], handingOver: 0.01, kernels: milliseconds / 2 }],
});
const chain = (numerics: string, onDevice: number) => ({
  size: 8192,
  matrixBytes,
  count: 28,
  numerics,
  times: [{ rows: 1, onDevice: [onDevice], asRun: [2 * onDevice], dispatches: 1, submits: 1 }],
});
const report: GpuReport = {
  adapter: { device: 'a card', description: 'driver 1', features: '' },
  versions: { lowbit: 'abc' },
  date: '2026-11-24',
  dataSheet: 3.46e12,
  reading: [{ bytes: matrixBytes, bytesPerSecond: 2e12 }],
  chains: [chain('exact', 0.02), chain('fast', 0.02)],
  onnx: [onnx(0, 'float', 0.08), onnx(4, 'float', 0.05), onnx(0, 'float16', 0.03)],
  models: [],
};

it('holds products against the fastest of the peer that keeps the same promise', () => {
  const lines = reportText(report).split('\n');
  const own = (numerics: string) => `| 8192 | 1 | ${numerics} | 20.0 | 20.0-20.0 | 1730 | 86 % | 50 % | 40.0 | 1 |`;
  expect(lines).toContain(`${own('exact')} 40.0 (f32) | 2.00 | 80.0 (f32) | 2.00 |`);
  expect(lines).toContain(`${own('fast')} 15.0 (f16) | 0.75 | 30.0 (f16) | 0.75 |`);
  expect(lines).toContain('| 8192 | 1 | int8, f32 | 50.0 | 50.0-50.0 | 10.0 | 25.0 |');
});

it('says why the peer did not run', () => {
  const failed = { chain: onnx(4, 'float16', 1).chain, times: [], error: 'no f16\n| here' };
  expect(reportText({ ...report, onnx: [failed] })).toContain('| 8192 |  | int8, f16 | no f16 here |  |  |  |');
});

it('counts rows of many as operations', () => {
  const many = { ...chain('exact', 4), times: [{ ...chain('exact', 4).times[0]!, rows: 512 }] };
  expect(reportText({ ...report, chains: [many] })).toContain('| 8192 | 512 | exact | 4000 | 4000-4000 | 17.2 |  |  |');
});
