export { gptq as default, gptq } from './gptq-method.ts';
