import type { MoeDescription, Numerics } from '@lowbit/core';
import { type DeviceLinear, loadLinear } from '../linear/device-linear.ts';
import type { LoadContext } from '../weights/load-weight.ts';

/** A block of experts on the device: each projection of all of them stacked. */
export interface DeviceExperts {
  readonly gate: DeviceLinear;
  readonly up: DeviceLinear;
  readonly down: DeviceLinear;
  readonly bytes: number;
  release(): void;
}

export async function loadExperts(
  context: LoadContext,
  { module, experts }: MoeDescription,
  numerics: Numerics,
): Promise<DeviceExperts> {
  const loaded: DeviceLinear[] = [];
  const release = () => {
    for (const linear of loaded.splice(0)) linear.release();
  };
  try {
    for (const projection of ['gate', 'up', 'down'] as const) {
      const linears = experts.map((expert) => expert[projection]);
      loaded.push(await loadLinear(context, `${module} ${projection}`, linears, numerics));
    }
  } catch (error) {
    release();
    throw error;
  }
  const [gate, up, down] = loaded as [DeviceLinear, DeviceLinear, DeviceLinear];
  return { gate, up, down, bytes: loaded.reduce((sum, { bytes }) => sum + bytes, 0), release };
}
