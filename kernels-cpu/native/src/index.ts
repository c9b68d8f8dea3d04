export { native, native as default } from './native-backend.ts';
