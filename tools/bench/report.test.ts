import { describe, expect, it } from 'vitest';
import { readLines } from './linear-bench.mjs';
import { metricsOf } from './metrics.mjs';
import { comparisonTable } from './report.mjs';
import { kernelsOf, rooflineTable } from './roofline.mjs';
import { shapes } from './shapes.mjs';

const metrics = metricsOf({ promptTokens: 512, newTokens: 64, context: 128, longContext: 4096, batch: 16 });

function side(name: string, beside: 'q4_0' | 'q8_0', samples: Record<string, readonly number[]>, shares = {}) {
  return {
    name,
    weights: name === 'lowbit' ? 'w4a16-g32' : beside,
    bitsPerWeight: 4.5,
    beside,
    slow: true,
    measure: () => Promise.reject(new Error('nothing is measured here')),
    samples: new Map(Object.entries(samples)),
    shares: new Map<string, readonly number[]>(Object.entries(shares)),
    readRates: name === 'lowbit' ? [30e9, 28e9] : [],
  };
}

describe('comparisonTable', () => {
  const lines = comparisonTable(
    'a shape',
    [
      side('lowbit', 'q4_0', { decode: [70, 80, 75], 'first-token': [0.5] }, { decode: [0.5, 0.6] }),
      side('slow peer', 'q4_0', { decode: [40, 41], 'first-token': [2] }),
      side('good peer', 'q4_0', { decode: [48, 52], 'first-token': [1] }),
      side('other bits', 'q8_0', { decode: [100], 'first-token': [0.1] }),
    ],
    metrics,
  ).split('\n');

  it('holds medians against the better peer of about the same bits', () => {
    expect(lines).toContain(
      '| decode after 128 | w4a16-g32 | 4.5 | 75.0 | 70.0-80.0 | 55 % | good peer q4_0 | 4.5 | 50.0 | 48.0-52.0 | 1.50 |',
    );
  });

  it('turns the ratio round where less is better', () => {
    expect(lines).toContain(
      '| first token after process start, prompt of 128, s | w4a16-g32 | 4.5 | 0.50 | 0.50-0.50 |  | good peer q4_0 | 4.5 | 1.00 | 1.00-1.00 | 2.00 |',
    );
  });

  it('leaves out what was not measured, and says how fast memory was read', () => {
    expect(lines.filter((line) => line.startsWith('| '))).toHaveLength(3);
    expect(lines).toContain("Memory was read at 29.0 GB/s (28.0-30.0) by lowbit's threads between its runs.");
  });
});

describe('roofline', () => {
  const shape = shapes['0.5b']!;
  it('counts every weight but the embedding once', () => {
    const kernels = kernelsOf(shape, 4.5, 128);
    const weights = 24 * (1280 * (1280 + 256 + 256 + 1280) + 3 * 1280 * 3584) + 32_000 * 1280;
    const attention = kernels.at(-1)!;
    const linears = kernels.slice(0, -1);
    expect(linears.reduce((sum, { bytes }) => sum + bytes, 0)).toBe((weights * 4.5) / 8);
    expect(linears.reduce((sum, { operations }) => sum + operations, 0)).toBe(2 * weights);
    // Keys and values of 4 heads of 64 in f16; every one of the 20 query heads multiplies with both.
    expect(attention.bytes).toBe(24 * 128 * 2 * 4 * 64 * 2);
    expect(attention.operations).toBe(24 * 128 * 2 * 20 * 64 * 2);
  });

  it('says which of memory and computing bounds a kernel, and what that leaves', () => {
    const table = rooflineTable(
      { readBytesPerSecond: 23e9, operationsPerSecond: 1e12 },
      { shape, bitsPerWeight: 4.5, context: 128, promptTokens: 512 },
      { decode: 50, prefill: 512 },
    );
    // 23.04 MB of weights; a prompt wants the logits of its last token alone.
    expect(table).toContain('| lm_head | 23.0 | 81.9 | 1.00 (memory) | 1.00 (memory) |');
    expect(table).toContain('| mlp.down_proj | 61.9 | 220 | 2.69 (memory) | 113 (VNNI) |');
    expect(table).toContain('| measured |  |  | 20.0, least is 58 % of it | 1000, least is 45 % of it |');
  });
});

describe('readLines', () => {
  it('reads what linear-bench prints, with and without a peak', () => {
    const text = `1 threads, medians of 2 rounds; 256 MiB of weights
                                                         GB/s     read             GOPS     VNNI          spread
avx512 i4 g32 int8PerGroup, 1 row                        14.8     16.6     89%       53                       3%
avx512 i4 g128 exact, 504 rows                            0.4     16.6      2%       87      468     19%      2%
`;
    expect(readLines(text)).toEqual([
      {
        name: 'avx512 i4 g32 int8PerGroup, 1 row',
        gigabytesPerSecond: 14.8,
        readGigabytesPerSecond: 16.6,
        gigaOperationsPerSecond: 53,
        peakGigaOperationsPerSecond: undefined,
      },
      {
        name: 'avx512 i4 g128 exact, 504 rows',
        gigabytesPerSecond: 0.4,
        readGigabytesPerSecond: 16.6,
        gigaOperationsPerSecond: 87,
        peakGigaOperationsPerSecond: 468,
      },
    ]);
  });
});
