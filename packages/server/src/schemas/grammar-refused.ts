import type { RefusedField } from '../parse-fields.ts';

/** Every way of asking for output in a given form. */
export const grammarRefused: RefusedField = {
  reason: 'constrained output is not supported; leave it out and check the text yourself',
};
