export { modelslim, modelslim as default } from './modelslim-method.ts';
