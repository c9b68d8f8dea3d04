export { reference, reference as default } from './reference-backend.ts';
