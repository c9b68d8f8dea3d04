/** Items whose names differ only in numbers, under one name: `model.layers.{0..5}.mlp.up_proj`. */
export interface Folded<Item> {
  readonly name: string;
  readonly items: readonly Item[];
}

/** Folds items that are alike, by `likeness`, and named alike; keeps the order of first appearance. */
export function foldNames<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  likeness: (item: Item) => string,
): readonly Folded<Item>[] {
  const folds = new Map<string, Item[]>();
  for (const item of items) {
    const pattern = segmentsOf(nameOf(item)).map((segment) => (isNumber(segment) ? '*' : segment));
    const key = JSON.stringify([pattern, likeness(item)]);
    const fold = folds.get(key);
    if (fold) fold.push(item);
    else folds.set(key, [item]);
  }
  return [...folds.values()].map((fold) => ({ name: foldedName(fold.map(nameOf)), items: fold }));
}

function foldedName(names: readonly string[]): string {
  const [first = ''] = names;
  const columns = segmentsOf(first).map((_, index) => new Set(names.map((name) => segmentsOf(name)[index] ?? '')));
  const combinations = columns.reduce((product, values) => product * values.size, 1);
  // Ranges in two places promise every combination of their numbers.
  const complete = combinations === names.length;
  return columns
    .map((values) => {
      const [only = ''] = values;
      if (values.size === 1) return only;
      return complete ? formatNumbers([...values].map(Number)) : '*';
    })
    .join('.');
}

function formatNumbers(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const runs: [first: number, last: number][] = [];
  for (const number of sorted) {
    const run = runs.at(-1);
    if (run && number === run[1] + 1) run[1] = number;
    else runs.push([number, number]);
  }
  return `{${runs.map(([first, last]) => (first === last ? `${first}` : `${first}..${last}`)).join(',')}}`;
}

function segmentsOf(name: string): readonly string[] {
  return name.split('.');
}

function isNumber(segment: string): boolean {
  return /^\d+$/.test(segment);
}
