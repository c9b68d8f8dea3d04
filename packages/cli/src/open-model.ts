import type { Model, OpenOptions } from '@lowbit/runtime';
import type { Output } from './output/output.ts';
import { createProgress } from './output/progress.ts';
import type { Session } from './session.ts';

export interface OpenedModel {
  readonly model: Model;
  readonly seconds: number;
}

/** Opens a model with progress on stderr and its warnings said. */
export async function openModel(
  session: Session,
  output: Output,
  folder: string,
  { quiet, ...options }: OpenOptions & { readonly quiet?: boolean | undefined },
): Promise<OpenedModel> {
  const progress = createProgress(session.io, { quiet });
  const start = performance.now();
  try {
    const model = await session.runtime.openModel(folder, {
      ...options,
      signal: session.signal,
      onProgress: (state) => progress.update(state),
    });
    progress.end();
    for (const warning of model.info.warnings) output.warn(warning);
    return { model, seconds: (performance.now() - start) / 1000 };
  } finally {
    progress.end();
  }
}
