import { describe, expect, it } from 'vitest';
import {
  booleanField,
  findSettings,
  integerField,
  readAllFields,
  readField,
  requireField,
  wordField,
} from './settings.ts';

const bits = integerField(
  ['bits', 'w_bit'],
  'an integer from 2 to 8',
  (value): value is number => value >= 2 && value <= 8,
);
const config = { quantization_config: { bits: 4, sym: true, mode: 'GEMM', none: null } };
const sources = findSettings(
  {
    config,
    sideFiles: new Map([
      ['quant_config.json', { w_bit: 4, mode: 'gemm' }],
      ['other.json', { bits: 8 }],
    ]),
  },
  ['quant_config.json'],
);

describe('settings', () => {
  it('come from config.json, then from the files that the method names', () => {
    expect(sources.map(({ file, prefix }) => `${file} ${prefix}`)).toEqual([
      'config.json quantization_config.',
      'quant_config.json ',
    ]);
    expect(findSettings({ config: {}, sideFiles: new Map() }, ['a.json'])).toEqual([]);
  });

  it('are found under any spelling, with the place where they stood', () => {
    expect(readField(sources, bits)).toEqual({ value: 4, file: 'config.json', field: 'quantization_config.bits' });
    expect(readAllFields(sources, bits).map(({ field }) => field)).toEqual(['quantization_config.bits', 'w_bit']);
    expect(readField(sources, booleanField('sym'))?.value).toBe(true);
    expect(readField(sources, wordField(['mode'], { gemm: 'layout' }))?.value).toBe('layout');
  });

  it('are absent where null', () => {
    expect(readField(sources, booleanField('none'))).toBeUndefined();
  });

  it('must agree', () => {
    const [inside] = sources;
    const other = { file: 'quant_config.json', prefix: '', value: { w_bit: 8 } };
    expect(() => readField([inside!, other], bits)).toThrow(
      'quant_config.json: w_bit: expected 4, as config.json: quantization_config.bits says, found 8',
    );
  });

  it.each([
    [bits, { bits: '4' }, 'a.json: bits: expected an integer from 2 to 8, found "4"'],
    [bits, { w_bit: 9 }, 'a.json: w_bit: expected an integer from 2 to 8, found 9'],
    [booleanField('sym'), { sym: 1 }, 'a.json: sym: expected true or false, found 1'],
    [wordField(['mode'], { gemm: 'layout' }), { mode: 'x' }, 'a.json: mode: expected one of gemm, found "x"'],
  ])('say what they expected', (reader, value, message) => {
    expect(() => readField<unknown>([{ file: 'a.json', prefix: '', value }], reader)).toThrow(message);
  });

  it('that are required name their spellings and where they were looked for', () => {
    const empty = [
      { file: 'config.json', prefix: 'quantization_config.', value: {} },
      { file: 'b.json', prefix: '', value: {} },
    ];
    expect(() => requireField(empty, bits, 'Add it.')).toThrow(
      'config.json: quantization_config and b.json: expected bits or w_bit, an integer from 2 to 8, found nothing\nAdd it.',
    );
  });
});
