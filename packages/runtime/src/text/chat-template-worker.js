import { parseTemplate, renderTemplate } from './chat-template-sandbox.js';

/**
 * Entry of the process that renders chat templates. Gets `{ template }` once, then `{ variables, limits, localTime }` as often
 * as wanted; answers each of these with `{ text }` or `{ fault: { reason, message } }`. Ends when its parent does.
 */
let template = '';
let program;

process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if ('template' in message) {
    template = message.template;
    return;
  }
  process.send(answer(message));
});
process.send({ ready: true });

function answer(request) {
  try {
    program ??= parseTemplate(template);
    return { text: renderTemplate(program, request) };
  } catch ({ reason, message }) {
    return { fault: { reason, message } };
  }
}
