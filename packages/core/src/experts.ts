import type { ExpertDescription, LinearDescription, MoeDescription } from './description.ts';
import type { LinearScheme, MoeScheme, SchemeAnswer } from './method.ts';
import type { LinearSpec, MoeSpec } from './module-spec.ts';
import type { TensorClaims } from './tensor-ledger.ts';
import { describeUnquantized } from './unquantized.ts';

type Projection = keyof ExpertDescription;
const projections: readonly Projection[] = ['gate', 'up', 'down'];

/** One projection of one expert, as the linear that it is in the checkpoint. */
export function expertLinear(block: MoeSpec, expert: number, projection: Projection): LinearSpec {
  const { hiddenSize, intermediateSize } = block;
  const [outFeatures, inFeatures] =
    projection === 'down' ? [hiddenSize, intermediateSize] : [intermediateSize, hiddenSize];
  const name = `${block.name}.${expert}.${block.projections[projection]}`;
  return { kind: 'linear', name, outFeatures, inFeatures, hasBias: false, role: 'projection' };
}

/**
 * The scheme of a block whose experts are stored as linears of their own: the format's rule for linears, asked for each.
 * A projection may have another scheme than its neighbours (down in int8, gate and up in int4); the same projection of
 * two experts may not: such a block is refused with the experts listed.
 */
export function expertsAsLinears(
  block: MoeSpec,
  linearScheme: (module: LinearSpec) => SchemeAnswer<LinearScheme>,
): SchemeAnswer<MoeScheme> {
  const answers = projections.map((projection) =>
    Array.from({ length: block.numExperts }, (_, expert) => linearScheme(expertLinear(block, expert, projection))),
  );
  const all = answers.flat();
  const refused = all.find((answer) => answer.kind === 'refused');
  if (refused) return refused;
  for (const [index, ofProjection] of answers.entries()) {
    const names = ofProjection.map(schemeName);
    if (new Set(names).size === 1) continue;
    const list = names.map((name, expert) => `expert ${expert}: ${name}`).join(', ');
    const message = `${block.name}: experts differ in ${block.projections[projections[index]!]}: ${list}`;
    return { kind: 'refused', refusal: { by: 'moe', code: 'MIXED_EXPERTS', message } };
  }
  const warnings = [...new Set(all.flatMap((answer) => (answer.kind === 'refused' ? [] : (answer.warnings ?? []))))];
  const unquantized = all.find((answer) => answer.kind === 'unquantized');
  if (unquantized && all.every((answer) => answer.kind === 'unquantized')) return { ...unquantized, warnings };
  const name = [...new Set(answers.map(([first]) => schemeName(first!)))].join('+');
  const describe = (spec: MoeSpec, tensors: TensorClaims) =>
    describeExperts(spec, name, (linear) => {
      const answer = linearScheme(linear);
      return answer.kind === 'scheme' ? answer.scheme.describe(linear, tensors) : describeUnquantized(linear, tensors);
    });
  return { kind: 'scheme', scheme: { name, describe }, warnings };
}

/** A block of experts from the description of each of its linears. */
export function describeExperts(
  block: MoeSpec,
  scheme: string,
  describe: (linear: LinearSpec, expert: number, projection: Projection) => LinearDescription,
): MoeDescription {
  const experts = Array.from({ length: block.numExperts }, (_, expert): ExpertDescription => {
    const part = (projection: Projection) => describe(expertLinear(block, expert, projection), expert, projection);
    return { gate: part('gate'), up: part('up'), down: part('down') };
  });
  return { kind: 'moe', module: block.name, scheme, experts };
}

function schemeName(answer: SchemeAnswer<LinearScheme>): string {
  return answer.kind === 'scheme' ? answer.scheme.name : 'unquantized';
}
