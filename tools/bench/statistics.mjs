// @ts-check

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** `290-318`. @param {readonly number[]} values */
export function range(values) {
  return `${significant(Math.min(...values))}-${significant(Math.max(...values))}`;
}

/** Three significant digits, all digits of larger numbers. @param {number} value */
export function significant(value) {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A row of a Markdown table. @param {readonly (string | number)[]} cells */
export function tableRow(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** The first two lines of a Markdown table. @param {readonly string[]} headers */
export function tableHead(headers) {
  return `${tableRow(headers)}\n|${headers.map(() => '---|').join('')}`;
}
