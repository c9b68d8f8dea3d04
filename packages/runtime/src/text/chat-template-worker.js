import { parseTemplate, renderTemplate } from './chat-template-sandbox.js';

/**
 * Entry of the process or worker that renders chat templates. Gets `{ template }` once, then `{ variables, limits, localTime }`
 * as often as wanted; answers each of these with `{ text }` or `{ fault: { reason, message } }`. A process ends when its parent
 * does.
 */
let template = '';
let program;

const parent = globalThis.process?.send ? parentProcess() : page();
parent.receive((message) => {
  if ('template' in message) template = message.template;
  else parent.send(answer(message));
});
parent.send({ ready: true });

function answer(request) {
  try {
    program ??= parseTemplate(template);
    return { text: renderTemplate(program, request) };
  } catch ({ reason, message }) {
    return { fault: { reason, message } };
  }
}

function parentProcess() {
  process.on('disconnect', () => process.exit());
  return {
    send: (message) => process.send(message),
    receive: (listener) => process.on('message', listener),
  };
}

function page() {
  return {
    send: (message) => globalThis.postMessage(message),
    receive: (listener) => globalThis.addEventListener('message', ({ data }) => listener(data)),
  };
}
