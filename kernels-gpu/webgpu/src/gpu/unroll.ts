/**
 * Repeats the lines between `// repeat NAME COUNT` and `// end`, which may be nested, with the numbers 0 to COUNT - 1 in
 * place of `$NAME`, and `$(2NAME+1)` counted out. COUNT is a number or one of `counts`. What is to stay in registers must have a name of its own:
 * compilers put arrays that are indexed in loops into memory.
 *
 * `// loop NAME COUNT` is the same, or with `looped` a loop: drivers in software take long to compile what is repeated.
 */
export function unroll(source: string, counts: Readonly<Record<string, number>>, looped = false): string {
  const lines = source.split('\n');
  const expand = (start: number, end: number): string[] => {
    const out: string[] = [];
    for (let line = start; line < end; line++) {
      const [, kind, name, count = ''] = opening.exec(lines[line]!) ?? [];
      if (name === undefined) {
        out.push(lines[line]!);
        continue;
      }
      const close = endOf(lines, line);
      const body = expand(line + 1, close);
      const times = counts[count] ?? Number(count);
      line = close;
      if (kind === 'loop' && looped) {
        out.push(`for (var ${name} = 0u; ${name} < ${times}u; ${name}++) {`);
        for (const one of body) out.push(one.replaceAll(`$${name}`, name));
        out.push('}');
        continue;
      }
      for (let number = 0; number < times; number++) {
        for (const one of body) out.push(numbered(one, name, number));
      }
    }
    return out;
  };
  return expand(0, lines.length).join('\n');
}

const opening = /^\s*\/\/ (repeat|loop) (\w+) (\w+)$/;

function numbered(line: string, name: string, number: number): string {
  return line
    .replaceAll(`$${name}`, String(number))
    .replace(new RegExp(`\\$\\((\\d*)${name}(?:\\+(\\d+))?\\)`, 'g'), (_, times: string, more = '0') =>
      String((times === '' ? 1 : Number(times)) * number + Number(more)),
    );
}

function endOf(lines: readonly string[], start: number): number {
  let depth = 0;
  for (let line = start; line < lines.length; line++) {
    if (opening.test(lines[line]!)) depth++;
    if (/^\s*\/\/ end$/.test(lines[line]!) && --depth === 0) return line;
  }
  throw new SyntaxError(`line ${start + 1} of a shader has no // end`);
}
