export { awq, awq as default } from './awq-method.ts';
