/**
 * How far a result may be from the exact one, by the type that a kernel computes in: a fraction of the sum of the
 * magnitudes that were added up (for a linear), or of the largest number in the row (for whole programs).
 *
 * - `f32`: each of n additions errs by at most 2^-24 of that sum; n is at most 272 in the suites, so 1.7e-5 in the
 *   worst case. A kernel that sums in several chains stays far below.
 * - `f16`: inputs and weights rounded to f16, each by at most 2^-11, summed in f32: 1e-3.
 * - `bf16`: the same with 2^-8 each, one of them often exact: 8e-3.
 */
export const tolerances = { f32: 1.7e-5, f16: 1e-3, bf16: 8e-3 } as const satisfies Record<string, number>;
