import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

/**
 * Jinja, as chat templates use it, with bounds. Runs in its own process or worker (see `renderer-host.ts`), which is why it is plain
 * JavaScript that imports nothing but the template engine. The bounds here give good messages; what they miss (one step that
 * never ends, or that allocates without end) is ended from outside.
 */

/** What a template may do, and what it did wrong. `reason` as in `chat-template-error.ts`. */
class TemplateFault extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Deepest nesting of expressions and statements; a macro that calls itself takes two or more. Node's default stack holds about
 * 800 of them, and what lies beyond looks like an undefined name: the engine's look-up catches every error.
 */
const maximumDepth = 500;

/** @returns the syntax tree; whitespace around blocks is treated as transformers does */
export function parseTemplate(template) {
  let furthest = 0;
  let tokens = [];
  try {
    tokens = tokenize(template, { trim_blocks: true, lstrip_blocks: true });
    return parse(
      new Proxy(tokens, {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) furthest = Math.max(furthest, Number(key));
          return target[key];
        },
      }),
    );
  } catch (error) {
    throw new TemplateFault('syntax', describe(error) + near(tokens, furthest));
  }
}

/** The engine's tokens carry no positions: the tokens themselves say where. */
function near(tokens, furthest) {
  const text = tokens
    .slice(Math.max(0, furthest - 7), furthest + 1)
    .map((token) => token.value)
    .join(' ');
  if (text === '') return '';
  return ` near ${JSON.stringify(text.length > 120 ? `...${text.slice(-120)}` : text)}`;
}

/** @returns the text; throws `TemplateFault` for everything that goes wrong */
export function renderTemplate(program, { variables, limits, localTime }) {
  const globals = new Environment();
  for (const name of ['true', 'True']) globals.set(name, true);
  for (const name of ['false', 'False']) globals.set(name, false);
  for (const name of ['none', 'None']) globals.set(name, null);
  globals.set('raise_exception', (message) => {
    throw new TemplateFault('raised', String(message));
  });
  globals.set('range', (...bounds) => boundedRange(bounds, limits.listLength));
  globals.set('strftime_now', (format) => formatTime(localTime, String(format)));
  try {
    const scope = new Environment(globals);
    for (const [name, value] of Object.entries(variables)) scope.set(name, value);
    return new BoundedInterpreter(scope, limits).run(program).value;
  } catch (error) {
    throw asFault(error, limits);
  }
}

/** Every expression and statement goes through `evaluate`: it keeps the time and looks at the size of what comes out. */
class BoundedInterpreter extends Interpreter {
  constructor(environment, limits) {
    super(environment);
    this.limits = limits;
    this.deadline = performance.now() + limits.milliseconds;
    this.depth = 0;
  }

  evaluate(statement, environment) {
    // At every step: a loop over a long list with nothing in it is one step.
    if (performance.now() > this.deadline) throw timeFault(this.limits);
    if (this.depth >= maximumDepth) throw new TemplateFault('depth', `nesting deeper than ${maximumDepth}`);
    this.depth += 1;
    let result;
    try {
      result = super.evaluate(statement, environment);
    } finally {
      // Loop controls are thrown too, and the run goes on after them.
      this.depth -= 1;
    }
    if (typeof result.value === 'string' && result.value.length > this.limits.outputCharacters) {
      throw outputFault(this.limits);
    }
    if (Array.isArray(result.value) && result.value.length > this.limits.listLength) throw listFault(this.limits);
    return result;
  }
}

function boundedRange(bounds, listLength) {
  const [start, stop, step] = bounds.length === 1 ? [0, bounds[0], 1] : [bounds[0], bounds[1], bounds[2] ?? 1];
  if (![start, stop, step].every(Number.isInteger) || step === 0) {
    throw new Error('range() takes whole numbers and a step that is not zero');
  }
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > listLength) throw listFault({ listLength });
  return Array.from({ length }, (_, index) => start + index * step);
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/**
 * Python's strftime, in English. `localTime` is milliseconds since 1970 counted on the caller's wall clock: this process may
 * not know the caller's time zone.
 */
function formatTime(localTime, format) {
  const date = new Date(localTime);
  const padded = (number, width = 2) => String(number).padStart(width, '0');
  const hour = date.getUTCHours();
  const dayOfYear = 1 + Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / (24 * 60 * 60 * 1000));
  const directives = {
    '%Y': () => String(date.getUTCFullYear()),
    '%y': () => padded(date.getUTCFullYear() % 100),
    '%m': () => padded(date.getUTCMonth() + 1),
    '%B': () => months[date.getUTCMonth()],
    '%b': () => months[date.getUTCMonth()].slice(0, 3),
    '%d': () => padded(date.getUTCDate()),
    '%j': () => padded(dayOfYear, 3),
    '%A': () => days[date.getUTCDay()],
    '%a': () => days[date.getUTCDay()].slice(0, 3),
    '%H': () => padded(hour),
    '%I': () => padded(hour % 12 || 12),
    '%p': () => (hour < 12 ? 'AM' : 'PM'),
    '%M': () => padded(date.getUTCMinutes()),
    '%S': () => padded(date.getUTCSeconds()),
    '%%': () => '%',
  };
  return format.replace(/%[A-Za-z%]/g, (directive) => directives[directive]?.() ?? directive);
}

function asFault(error, limits) {
  if (error instanceof TemplateFault) return error;
  // V8's own words for a string beyond 2^29 characters: a loop joined allowed pieces into too large a whole.
  if (error instanceof RangeError && error.message === 'Invalid string length') return outputFault(limits);
  return new TemplateFault('failed', describe(error));
}

function describe(error) {
  if (error instanceof RangeError && error.message.includes('call stack')) return 'nested too deeply';
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

function timeFault({ milliseconds }) {
  return new TemplateFault('time', `took longer than ${milliseconds} ms`);
}

function outputFault({ outputCharacters }) {
  return new TemplateFault('output', `made a text of more than ${outputCharacters} characters`);
}

function listFault({ listLength }) {
  return new TemplateFault('list', `made a list of more than ${listLength} items`);
}
