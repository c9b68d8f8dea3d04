import { describe, expect, it } from 'vitest';
import { foldNames } from './fold-names.ts';

const fold = (names: readonly string[], likeness: (name: string) => string = () => '') =>
  foldNames(names, (name) => name, likeness).map(({ name, items }) => `${name} x${items.length}`);

describe('foldNames', () => {
  it('folds names that differ in numbers, in the order they came', () => {
    expect(fold(['layers.0.q', 'layers.0.k', 'layers.1.q', 'layers.1.k', 'head', 'layers.10.q', 'layers.2.q'])).toEqual(
      ['layers.{0..2,10}.q x4', 'layers.{0..1}.k x2', 'head x1'],
    );
  });

  it('keeps apart what is not alike', () => {
    expect(fold(['l.0', 'l.1', 'l.2'], (name) => (name === 'l.1' ? 'b' : 'a'))).toEqual(['l.{0,2} x2', 'l.1 x1']);
  });

  it('gives ranges in two places only where every combination is there', () => {
    expect(fold(['l.0.e.0', 'l.0.e.1', 'l.1.e.0', 'l.1.e.1'])).toEqual(['l.{0..1}.e.{0..1} x4']);
    expect(fold(['l.0.e.0', 'l.0.e.1', 'l.1.e.0'])).toEqual(['l.*.e.* x3']);
  });

  it('folds digits only where they are a whole segment', () => {
    expect(fold(['w1', 'w2'])).toEqual(['w1 x1', 'w2 x1']);
  });
});
