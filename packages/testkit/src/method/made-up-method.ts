import { deepFreeze, type LinearScheme, plain, type QuantizationMethod } from '@lowbit/core';

/** A made-up format for the suite's own tests: int8 codes and one f32 scale per row. */
export const rowwise: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'rowwise',
  match: { quantMethod: ['rowwise'] },
  variants: [{ name: 'int8 per row', modules: ['linear'], status: 'supported' }],
  parseConfig() {
    const unquantized = { kind: 'unquantized', rule: 'linears only' } as const;
    return {
      method: 'rowwise',
      settings: {},
      warnings: [],
      linearScheme: ({ role }) => (role === 'projection' ? { kind: 'scheme', scheme } : unquantized),
      moeScheme: ({ name }) => ({
        kind: 'refused',
        refusal: { by: 'rowwise', code: 'MOE', message: `no experts in ${name}` },
      }),
      embeddingScheme: () => unquantized,
      kvCacheScheme: () => unquantized,
    };
  },
};

const scheme: LinearScheme = {
  name: 'w8a16',
  describe({ name, outFeatures, inFeatures }, tensors) {
    const codes = tensors.claim(`${name}.codes`, { dtype: ['I8'], shape: [outFeatures, inFeatures] });
    const scale = tensors.claim(`${name}.scale`, { dtype: ['F32'], shape: [outFeatures] });
    return deepFreeze({
      kind: 'linear',
      module: name,
      scheme: 'w8a16',
      weight: {
        outFeatures,
        inFeatures,
        codes: { ref: codes, type: 'i8', layout: plain('out', 'in') },
        scales: [{ ref: scale, type: 'f32', layout: plain('out'), block: [1, inFeatures] }],
      },
    });
  },
};
