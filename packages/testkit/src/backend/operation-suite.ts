import { describe, it } from 'vitest';
import { tolerances } from '../tolerances.ts';
import { expectClose, relativeToRow } from './expect-close.ts';
import { expectedLogits } from './expected-logits.ts';
import { attentionProgram, operationPrograms } from './operation-programs.ts';
import { compileProgram, makeBatch } from './run-program.ts';
import { kvCacheCases, type Subject } from './subject.ts';
import type { SyntheticProgram } from './synthetic-program.ts';

const kvCache = { blockSize: 4, blocks: 8 };

/** Each operation of a program on its own, two sequences in one batch. */
export function operationSuite(subject: Subject): void {
  describe('operation', () => {
    for (const [name, build] of Object.entries(operationPrograms)) {
      it(name, (context) => check(build(), context, subject, subject.tolerance));
    }
    for (const type of kvCacheCases) {
      it(`attention, kv-cache:${type}`, (context) => {
        const program = attentionProgram({ numHeads: 4, numKvHeads: 2, headSize: 16, type });
        // A key on the border between two numbers of the type may fall to either side.
        return check(program, context, subject, Math.max(subject.tolerance, tolerances[type]));
      });
    }
  });
}

async function check(
  synthetic: SyntheticProgram,
  context: Parameters<typeof compileProgram>[0],
  subject: Subject,
  tolerance: number,
): Promise<void> {
  const executable = await compileProgram(context, subject, synthetic, { kvCache });
  try {
    const { vocabSize } = synthetic.program;
    const first = Array.from({ length: 11 }, (_, t) => (3 * t + 1) % vocabSize);
    const second = Array.from({ length: 5 }, (_, t) => (5 * t + 2) % vocabSize);
    const logits = await executable.run(
      makeBatch([
        { tokenIds: first, blocks: [5, 0, 7] },
        { tokenIds: second, blocks: [2, 1] },
      ]),
    );
    const expected = [first, second].flatMap((tokenIds) => [...expectedLogits(synthetic, tokenIds)]);
    expectClose(logits, relativeToRow(Float64Array.from(expected), vocabSize), tolerance);
  } finally {
    await executable.close();
  }
}
