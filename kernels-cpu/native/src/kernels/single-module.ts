import type { NativeBatch, NativeModel } from '../addon/addon.ts';
import { loadAddon } from '../addon/load-addon.ts';
import type { NativeDevice } from '../device/native-device.ts';
import type { ModulePlan } from '../plan/module-plan.ts';

/** One module with a program of one operation over it: value 0 goes in, value 1 comes out. */
export interface SingleModule {
  forward(batch: Partial<NativeBatch> & Pick<NativeBatch, 'rows'>, input?: Float32Array): Promise<Float32Array>;
  release(): void;
}

export async function prepareSingle(
  plan: ModulePlan,
  device: NativeDevice,
  widths: readonly [input: number, output: number],
  operationOn: (module: number) => { readonly kind: string } & Readonly<Record<string, unknown>>,
): Promise<SingleModule> {
  const { threads, instructionSet } = device;
  const model: NativeModel = new (loadAddon().NativeModel)({ threads, instructionSet });
  const { index } = await model.addModule(plan);
  model.setProgram({ widths: Float64Array.from(widths), operations: [operationOn(index)] });
  return {
    forward: (batch, input) =>
      model.run({
        tokenIds: new Int32Array(),
        positions: new Int32Array(),
        sequences: [],
        logitRows: new Int32Array(),
        inputs: input ? [{ value: 0, numbers: input }] : [],
        output: 1,
        ...batch,
      }),
    release: () => model.close(),
  };
}
