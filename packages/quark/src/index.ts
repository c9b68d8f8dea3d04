export { quark, quark as default } from './quark-method.ts';
