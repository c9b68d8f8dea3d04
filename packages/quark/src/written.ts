import type { PackMethod, WeightFormat } from './export-settings.ts';
import type { StoredZeroPoints } from './quark-names.ts';

/** How a checkpoint was written, all layers alike. */
export interface Written {
  readonly packMethod: PackMethod;
  readonly weightFormat: WeightFormat;
  readonly zeroPoints: StoredZeroPoints;
}
