import { LowbitError } from './errors/lowbit-error.ts';

/** One character, as a whole code point. */
export type CharacterTest = (character: string) => boolean;

/** A condition between characters: `at` is where the next one stands. */
export type PositionTest = (characters: readonly string[], at: number) => boolean;

/** A parsed expression. Greedy and lazy repeats are the same here: only whether a name matches counts. */
export type RegexNode =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'position'; readonly test: PositionTest }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly body: RegexNode; readonly min: number; readonly max: number };

const maxLength = 10_000;
const maxRepeat = 1000;
const maxDepth = 100;

/** @throws LowbitError `REGEX` */
export function parseRegex(source: string): RegexNode {
  if (source.length > maxLength) {
    throw regexError(source, 0, `more than ${maxLength} characters are not supported`);
  }
  return new Parser(source).parse();
}

export function regexError(source: string, at: number, problem: string): LowbitError {
  const shown = source.length > 200 ? `${source.slice(0, 200)}...` : source;
  return new LowbitError({
    code: 'REGEX',
    message: `regular expression ${JSON.stringify(shown)}, character ${at + 1}: ${problem}`,
    remedy: 'Names are matched by literals, classes, groups, alternatives, repeats and anchors.',
  });
}

const isWord: CharacterTest = (character) => /^[\p{L}\p{N}_]$/u.test(character);
const classes: Readonly<Record<string, CharacterTest>> = {
  d: (character) => /^\p{Nd}$/u.test(character),
  w: isWord,
  s: (character) => /^\s$/.test(character),
};
const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\x07' };

const atStart: PositionTest = (_, at) => at === 0;
const atEnd: PositionTest = (characters, at) => at === characters.length;
const atBoundary: PositionTest = (characters, at) => isWord(characters[at - 1] ?? '') !== isWord(characters[at] ?? '');
const anchors: Readonly<Record<string, PositionTest>> = {
  A: atStart,
  Z: atEnd,
  z: atEnd,
  b: atBoundary,
  B: (characters, at) => !atBoundary(characters, at),
};

const unsupportedGroups: readonly (readonly [opening: string, name: string])[] = [
  ['?=', 'lookahead'],
  ['?!', 'lookahead'],
  ['?<=', 'lookbehind'],
  ['?<!', 'lookbehind'],
  ['?>', 'an atomic group'],
  ['?(', 'a conditional'],
  ['?P=', 'a back-reference'],
  ['?P>', 'recursion'],
  ['?R', 'recursion'],
  ['?|', 'a branch reset'],
  ['?#', 'a comment'],
  ['*', 'a verb'],
];

class Parser {
  private readonly source: string;
  private readonly characters: readonly string[];
  private at = 0;
  private depth = 0;
  private ignoreCase = false;
  private dotAll = false;

  constructor(source: string) {
    this.source = source;
    this.characters = [...source];
  }

  parse(): RegexNode {
    const flags = this.take(/^\(\?([a-z]+)\)/)?.[1] ?? '';
    const unknown = [...flags].find((flag) => flag !== 'i' && flag !== 's');
    if (unknown !== undefined) throw this.unsupported(`the flag ${unknown}`, 0);
    this.ignoreCase = flags.includes('i');
    this.dotAll = flags.includes('s');
    const node = this.choice();
    if (this.at < this.characters.length) throw this.error('")" without "("');
    return node;
  }

  private choice(): RegexNode {
    const options = [this.sequence()];
    while (this.skip('|')) options.push(this.sequence());
    return options.length === 1 && options[0] ? options[0] : { kind: 'choice', options };
  }

  private sequence(): RegexNode {
    const parts: RegexNode[] = [];
    for (let next = this.peek(); next !== undefined && next !== '|' && next !== ')'; next = this.peek()) {
      parts.push(this.repeated());
    }
    return { kind: 'sequence', parts };
  }

  private repeated(): RegexNode {
    const body = this.atom();
    const start = this.at;
    const counts = this.quantifier();
    if (!counts) return body;
    if (body.kind === 'position') throw this.error('a repeat of an anchor', start);
    this.skip('?');
    if (this.peek() === '+') throw this.unsupported('a possessive repeat');
    if (this.quantifier()) throw this.error('a repeat of a repeat', this.at - 1);
    const [min, max] = counts;
    if (max < min) throw this.error('a repeat whose maximum is less than its minimum', start);
    if (min > maxRepeat || (max > maxRepeat && max !== Infinity)) {
      throw this.unsupported(`a repeat of more than ${maxRepeat}`, start);
    }
    return { kind: 'repeat', body, min, max };
  }

  /** `{` that begins no count is a literal, as in Python. */
  private quantifier(): readonly [min: number, max: number] | undefined {
    if (this.skip('*')) return [0, Infinity];
    if (this.skip('+')) return [1, Infinity];
    if (this.skip('?')) return [0, 1];
    const [found, count, min, max] = this.take(/^\{(?:(\d+)|(\d*),(\d*))\}/) ?? [];
    if (found === undefined) return undefined;
    return count === undefined ? [Number(min), max ? Number(max) : Infinity] : [Number(count), Number(count)];
  }

  private atom(): RegexNode {
    const start = this.at;
    const character = this.next();
    switch (character) {
      case '(':
        return this.group(start);
      case '[':
        return { kind: 'character', test: this.characterClass(start) };
      case '.':
        return { kind: 'character', test: (other) => this.dotAll || other !== '\n' };
      case '^':
        return { kind: 'position', test: atStart };
      case '$':
        return { kind: 'position', test: atEnd };
      case '*':
      case '+':
      case '?':
        throw this.error('nothing to repeat', start);
      case '\\': {
        const anchor = anchors[this.peek() ?? ''];
        if (!anchor) return { kind: 'character', test: this.escape() };
        this.at += 1;
        return { kind: 'position', test: anchor };
      }
      default:
        return { kind: 'character', test: this.range(character, character) };
    }
  }

  private group(start: number): RegexNode {
    const rest = this.rest(4);
    const refused = unsupportedGroups.find(([opening]) => rest.startsWith(opening));
    if (refused) throw this.unsupported(refused[1], start);
    if (this.peek() === '?' && !this.take(/^\?(:|P?<[A-Za-z_]\w*>)/))
      throw this.unsupported('this kind of group', start);
    this.depth += 1;
    if (this.depth > maxDepth) throw this.unsupported(`more than ${maxDepth} groups inside each other`, start);
    const body = this.choice();
    if (!this.skip(')')) throw this.error('"(" without ")"', start);
    this.depth -= 1;
    // A sequence, also around an anchor: `(^)*` may be repeated where `^*` may not.
    return { kind: 'sequence', parts: [body] };
  }

  /** A `]` right after the opening is a literal. */
  private characterClass(start: number): CharacterTest {
    const negated = this.skip('^');
    const tests: CharacterTest[] = [];
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.peek() === undefined) throw this.error('"[" without "]"', start);
      if (/^\[[:.=]/.test(this.rest(2))) throw this.unsupported('a POSIX class');
      tests.push(this.classMember());
    }
    this.at += 1;
    return (character) => tests.some((test) => test(character)) !== negated;
  }

  private classMember(): CharacterTest {
    const start = this.at;
    const low = this.classEnd();
    if (this.peek() !== '-' || this.rest(2) === '-]') return typeof low === 'string' ? this.range(low, low) : low;
    this.at += 1;
    if (this.peek() === undefined) throw this.error('"[" without "]"', start);
    const high = this.classEnd();
    if (typeof low !== 'string' || typeof high !== 'string' || low > high) throw this.error('a malformed range', start);
    return this.range(low, high);
  }

  private classEnd(): string | CharacterTest {
    const character = this.next();
    if (character !== '\\') return character;
    if (this.skip('b')) return '\b';
    return this.escaped();
  }

  private escape(): CharacterTest {
    const escaped = this.escaped();
    return typeof escaped === 'string' ? this.range(escaped, escaped) : escaped;
  }

  /** What stands after a backslash: a character, or a class of characters. */
  private escaped(): string | CharacterTest {
    const start = this.at - 1;
    const code = this.take(/^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/);
    if (code) return String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? '', 16));
    if (this.peek() === undefined) throw this.error('a backslash at the end', start);
    const character = this.next();
    const test = classes[character.toLowerCase()];
    if (test) return character === character.toLowerCase() ? test : (other) => !test(other);
    if (/[1-9]/.test(character)) throw this.unsupported('a back-reference', start);
    if (/[a-zA-Z0]/.test(character) && !controls[character]) throw this.unsupported(`the escape \\${character}`, start);
    return controls[character] ?? character;
  }

  private range(low: string, high: string): CharacterTest {
    const inside: CharacterTest = (character) => low <= character && character <= high;
    if (!this.ignoreCase) return inside;
    return (character) => inside(character) || inside(character.toLowerCase()) || inside(character.toUpperCase());
  }

  private peek(): string | undefined {
    return this.characters[this.at];
  }

  private next(): string {
    const character = this.characters[this.at] ?? '';
    this.at += 1;
    return character;
  }

  private skip(character: string): boolean {
    const found = this.peek() === character;
    if (found) this.at += 1;
    return found;
  }

  private rest(length: number): string {
    return this.characters.slice(this.at, this.at + length).join('');
  }

  /** Takes what an expression anchored at `^` finds here. */
  private take(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.rest(64));
    if (found) this.at += found[0].length;
    return found ?? undefined;
  }

  private error(problem: string, at = this.at): LowbitError {
    return regexError(this.source, at, problem);
  }

  private unsupported(what: string, at = this.at): LowbitError {
    return this.error(`${what} is not supported`, at);
  }
}
