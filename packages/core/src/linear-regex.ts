import { type CharacterTest, type PositionTest, parseRegex, type RegexNode, regexError } from './regex-syntax.ts';

/** A compiled expression. */
export interface NameRegex {
  /** Does it match from the start of the name on, as Python's `re.match`? */
  matchesStart(name: string): boolean;
  /** Does it match the whole name, as Python's `re.fullmatch`? */
  matchesWhole(name: string): boolean;
}

type Instruction =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'position'; readonly test: PositionTest }
  /** Goes on at all of these. */
  | { readonly kind: 'jump'; readonly to: readonly number[] }
  | { readonly kind: 'match' };

const maxInstructions = 10_000;

/**
 * Compiles a regular expression that came with a checkpoint: the part of Python's and PCRE's syntax that patterns of
 * module names use. Runs in time proportional to name times pattern, whatever the pattern: it keeps the set of all
 * places in the expression where a match may stand, and never goes back. Lookaround, back-references and possessive
 * repeats are not supported; `\d \w \s` are Unicode's, as in Python; flags `(?i)` and `(?s)` may stand at the start.
 * @throws LowbitError `REGEX` naming the pattern, the place, and what is malformed or not supported
 */
export function compileRegex(source: string): NameRegex {
  const program = compile(source, parseRegex(source));
  return {
    matchesStart: (name) => run(program, [...name], false),
    matchesWhole: (name) => run(program, [...name], true),
  };
}

function compile(source: string, root: RegexNode): readonly Instruction[] {
  const program: Instruction[] = [];
  let steps = 0;

  function emit(node: RegexNode): void {
    // Counts what emits nothing too: empty groups can be repeated.
    steps += 1;
    if (steps > maxInstructions) {
      throw regexError(source, 0, `too large: it expands to more than ${maxInstructions} steps`);
    }
    switch (node.kind) {
      case 'character':
      case 'position':
        program.push(node);
        break;
      case 'sequence':
        for (const part of node.parts) emit(part);
        break;
      case 'choice':
        emitChoice(node.options);
        break;
      case 'repeat':
        emitRepeat(node);
        break;
    }
  }

  function emitChoice(options: readonly RegexNode[]): void {
    const fork = reserve();
    const starts: number[] = [];
    const exits = options.map((option) => {
      starts.push(program.length);
      emit(option);
      return reserve();
    });
    jump(fork, starts);
    for (const exit of exits) jump(exit, [program.length]);
  }

  function emitRepeat({ body, min, max }: RegexNode & { kind: 'repeat' }): void {
    for (let count = 0; count < min; count += 1) emit(body);
    const forks: number[] = [];
    const optional = max === Infinity ? 1 : max - min;
    for (let count = 0; count < optional; count += 1) {
      forks.push(reserve());
      emit(body);
    }
    if (max === Infinity) jump(reserve(), forks);
    for (const fork of forks) jump(fork, [fork + 1, program.length]);
  }

  function reserve(): number {
    return program.push({ kind: 'match' }) - 1;
  }

  function jump(from: number, to: readonly number[]): void {
    program[from] = { kind: 'jump', to };
  }

  emit(root);
  program.push({ kind: 'match' });
  return program;
}

function run(program: readonly Instruction[], characters: readonly string[], whole: boolean): boolean {
  const reachedAt = new Int32Array(program.length).fill(-1);
  let places = [0];
  for (let at = 0; ; at += 1) {
    const next: number[] = [];
    // Grows while it is walked: jumps and positions that hold lead on without taking a character.
    for (let index = 0; index < places.length; index += 1) {
      const place = places[index] ?? 0;
      if (reachedAt[place] === at) continue;
      reachedAt[place] = at;
      const instruction = program[place];
      switch (instruction?.kind) {
        case 'jump':
          places.push(...instruction.to);
          break;
        case 'position':
          if (instruction.test(characters, at)) places.push(place + 1);
          break;
        case 'character':
          if (at < characters.length && instruction.test(characters[at] ?? '')) next.push(place + 1);
          break;
        case 'match':
          if (!whole || at === characters.length) return true;
          break;
      }
    }
    if (next.length === 0) return false;
    places = next;
  }
}
