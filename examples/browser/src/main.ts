import type { Explanation } from '@lowbit/runtime';
import type { Report, Request } from './protocol.ts';
import { modelFiles, modelPath } from './shipped-model.ts';
import { element, make } from './view/element.ts';
import { showExplanation } from './view/explanation.ts';
import { showFacts } from './view/facts.ts';
import { formatBytes, formatSeconds } from './view/format.ts';
import { createMosaic } from './view/mosaic.ts';
import { createSpeedometer } from './view/speedometer.ts';
import { createStory } from './view/story.ts';

/** What the page is doing; the buttons follow. */
type State = 'loading' | 'idle' | 'ready' | 'writing' | 'failed';

const openings = [
  'The ship had been at sea for',
  'Once upon a time there was a',
  'In the middle of the night, Alice',
  'The king looked at the letter and',
];

const form = element('form', HTMLFormElement);
const prompt = element('prompt', HTMLTextAreaElement);
const writeButton = element('write', HTMLButtonElement);
const loadButton = element('load', HTMLButtonElement);
const status = element('status', HTMLElement);
const progress = element('progress', HTMLProgressElement);
const notice = element('notice', HTMLElement);
const failure = element('failure', HTMLElement);
const temperature = element('temperature', HTMLInputElement);
const length = element('length', HTMLInputElement);
const mosaic = createMosaic(element('mosaic', HTMLCanvasElement));
const story = createStory();
const speedometer = createSpeedometer();

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const ask = (request: Request) => worker.postMessage(request);

let state: State;
let explanation: Explanation | undefined;
let written = { tokens: 0, seconds: 0 };

function enter(next: State): void {
  state = next;
  document.body.dataset.state = next;
  failure.hidden = next !== 'failed';
  progress.hidden = next !== 'loading';
  loadButton.hidden = next !== 'loading' && next !== 'idle';
  loadButton.textContent = next === 'loading' ? 'Stop loading' : 'Load the model';
  writeButton.disabled = next !== 'ready' && next !== 'writing';
  writeButton.textContent = next === 'writing' ? 'Stop' : 'Tell the story';
}

function load(): void {
  enter('loading');
  notice.hidden = true;
  progress.removeAttribute('value');
  status.textContent = 'Looking for the model …';
  const parameters = new URLSearchParams(location.search);
  const url = new URL(parameters.get('model') ?? modelPath, location.href).href;
  ask({ kind: 'load', url, files: modelFiles, device: parameters.get('device') });
}

function write(): void {
  if (prompt.value.trim() === '') {
    prompt.focus();
    return;
  }
  enter('writing');
  written = { tokens: 0, seconds: 0 };
  story.begin(prompt.value);
  speedometer.begin();
  ask({ kind: 'write', prompt: prompt.value, temperature: temperature.valueAsNumber, maxTokens: length.valueAsNumber });
}

worker.addEventListener('message', ({ data }: MessageEvent<Report>) => receive(data));
worker.addEventListener('error', ({ message }) =>
  fail(`The worker that computes has stopped: ${message || 'it could not be loaded.'}`),
);

function receive(report: Report): void {
  switch (report.kind) {
    case 'notice':
      notice.textContent = report.text;
      notice.hidden = false;
      return;
    case 'explained':
      explanation = report.explanation;
      showExplanation(explanation);
      showFacts(explanation);
      return;
    case 'progress':
      showProgress(report);
      return;
    case 'mosaic':
      mosaic.show(report.codes);
      return;
    case 'ready': {
      const { info, fromStore, seconds } = report;
      if (explanation) showFacts(explanation, info);
      const source = fromStore ? ', from the copy of an earlier visit: the server did not answer' : '';
      status.textContent = `Ready after ${formatSeconds(seconds)}${source}.`;
      enter('ready');
      return;
    }
    case 'text':
      written = report;
      story.add(report.text);
      speedometer.add(report);
      mosaic.wave();
      return;
    case 'written':
      endWriting(report, endings[report.finish]);
      return;
    case 'stopped':
      if (state === 'writing') endWriting(written, endings.abort);
      else {
        status.textContent = 'Loading stopped. What came so far is kept.';
        enter('idle');
      }
      return;
    case 'failed':
      if (report.during === 'write') endWriting(written, 'It ended with an error.');
      fail(report.message);
  }
}

const endings = { stop: 'The end.', length: 'It is as long as you asked for.', abort: 'You stopped it.' } as const;

function endWriting(at: { readonly tokens: number; readonly seconds: number }, ending: string): void {
  story.end();
  speedometer.end(at, ending);
  enter('ready');
}

function showProgress({ stage, done, total }: Extract<Report, { kind: 'progress' }>): void {
  progress.max = total;
  progress.value = done;
  if (stage === 'download') {
    mosaic.fill(done / total);
    status.textContent = `Fetching the weights: ${formatBytes(done)} of ${formatBytes(total)}`;
  } else {
    status.textContent = `Making them ready: module ${done} of ${total}`;
  }
}

function fail(message: string): void {
  element('failure-text', HTMLElement).textContent = message;
  status.textContent = 'Not loaded.';
  enter('failed');
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (state === 'writing') ask({ kind: 'stop' });
  else if (state === 'ready') write();
});
loadButton.addEventListener('click', () => (state === 'loading' ? ask({ kind: 'stop' }) : load()));
element('again', HTMLButtonElement).addEventListener('click', load);
prompt.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (state === 'ready') write();
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && state === 'writing') ask({ kind: 'stop' });
});
for (const slider of [temperature, length]) {
  const value = element(`${slider.id}-value`, HTMLOutputElement);
  slider.addEventListener('input', () => {
    value.textContent = slider.value;
  });
}
element('openings', HTMLElement).append(
  ...openings.map((opening) => {
    const button = make('button', { className: 'opening' }, opening);
    button.type = 'button';
    button.addEventListener('click', () => {
      prompt.value = opening;
      prompt.focus();
    });
    return button;
  }),
);
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // The page works without it; it only would not open offline.
  navigator.serviceWorker.register('./service-worker.js').catch(() => {});
}
load();
