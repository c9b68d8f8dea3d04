import { TensorError } from './errors/tensor-error.ts';
import type { DType, TensorRef } from './tensor-ref.ts';

/** What a tensor must be. */
export interface TensorRequirement {
  readonly dtype: readonly DType[];
  readonly shape: readonly number[];
}

/** Hands out a checkpoint's tensors; each may be taken once. */
export interface TensorClaims {
  has(name: string): boolean;
  /** Looks at a tensor without taking it. */
  peek(name: string): TensorRef | undefined;
  /** @throws TensorError when the tensor is missing, taken already, or not as required */
  claim(name: string, requirement: TensorRequirement): TensorRef;
  /** The tensor if it is there, checked like `claim`. */
  claimOptional(name: string, requirement: TensorRequirement): TensorRef | undefined;
}

/** A reason to leave a tensor unread. */
export interface UnusedRule {
  readonly reason: string;
  /** The rule holds only for tensors that are all zero: whoever reads the weights checks that. */
  readonly onlyZeros?: true;
  matches(name: string, claims: TensorClaims): boolean;
}

/** Strict accounting: every tensor is claimed exactly once or listed by a rule as unused. */
export interface TensorLedger extends TensorClaims {
  /**
   * Closes the books.
   * @returns the rule of each tensor left aside, by tensor name
   * @throws TensorError naming the tensors that nobody claimed and no rule lists
   */
  settle(rules: readonly UnusedRule[]): ReadonlyMap<string, UnusedRule>;
}

export function createTensorLedger(tensors: ReadonlyMap<string, TensorRef>): TensorLedger {
  const claimed = new Set<string>();

  function claim(name: string, requirement: TensorRequirement): TensorRef {
    const ref = tensors.get(name);
    if (!ref) {
      throw new TensorError({
        code: 'TENSOR_MISSING',
        tensor: name,
        expected: formatRequirement(requirement),
        actual: 'no such tensor',
        remedy: nearMiss(name, tensors),
      });
    }
    if (claimed.has(name)) {
      throw new TensorError({
        code: 'TENSOR_CLAIMED_TWICE',
        tensor: name,
        expected: 'one module to use it',
        actual: 'a second module that wants it',
      });
    }
    checkRequirement(ref, requirement);
    claimed.add(name);
    return ref;
  }

  const claims: TensorClaims = {
    has: (name) => tensors.has(name),
    peek: (name) => tensors.get(name),
    claim,
    claimOptional: (name, requirement) => (tensors.has(name) ? claim(name, requirement) : undefined),
  };

  return {
    ...claims,
    settle(rules) {
      const unused = new Map<string, UnusedRule>();
      const unaccounted: string[] = [];
      for (const name of tensors.keys()) {
        if (claimed.has(name)) continue;
        const rule = rules.find((candidate) => candidate.matches(name, claims));
        if (rule) unused.set(name, rule);
        else unaccounted.push(name);
      }
      const [first] = unaccounted;
      if (first !== undefined) {
        const more = unaccounted.length - 1;
        const others = unaccounted.slice(1, 5).join(', ') + (more > 4 ? ', ...' : '');
        throw new TensorError({
          code: 'TENSOR_UNUSED',
          tensor: first,
          expected: 'every tensor to belong to a module of the model',
          actual:
            more > 0 ? `a tensor that no module uses, and ${more} more (${others})` : 'a tensor that no module uses',
          remedy:
            'The checkpoint does not fit the architecture in its config.json, or was edited. Nothing is left out in silence.',
        });
      }
      return unused;
    },
  };
}

function checkRequirement(ref: TensorRef, { dtype, shape }: TensorRequirement): void {
  if (!dtype.includes(ref.dtype)) {
    throw new TensorError({ code: 'TENSOR_DTYPE', tensor: ref.name, expected: dtype.join(' or '), actual: ref.dtype });
  }
  const same = ref.shape.length === shape.length && shape.every((size, axis) => size === ref.shape[axis]);
  if (!same) {
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor: ref.name,
      expected: formatShape(shape),
      actual: formatShape(ref.shape),
    });
  }
}

function formatRequirement({ dtype, shape }: TensorRequirement): string {
  return `${dtype.join(' or ')} ${formatShape(shape)}`;
}

function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Tensors of the same module, when the one asked for is not there. */
function nearMiss(name: string, tensors: ReadonlyMap<string, TensorRef>): string | undefined {
  const module = name.slice(0, name.lastIndexOf('.') + 1);
  if (module === '') return undefined;
  const siblings = [...tensors.keys()].filter((other) => other.startsWith(module)).slice(0, 8);
  if (siblings.length === 0) return `The checkpoint has no tensor under ${module}*`;
  return `The checkpoint has ${siblings.join(', ')}`;
}
