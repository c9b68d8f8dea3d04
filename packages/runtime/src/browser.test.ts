import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openModelFolder } from './checkpoint/model-folder.ts';
import { discoverPlugins } from './discover-plugins.ts';
import { BrowserWorker } from './test-support/browser-worker.ts';
import { createChatRenderer } from './text/chat-template.ts';
import { openGoldenRecords } from './verify/golden-records.ts';

beforeEach(() => {
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
  vi.stubGlobal('Worker', BrowserWorker);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('where there are no files and processes', () => {
  it('says that a browser has no folders', async () => {
    await expect(openModelFolder('models/a')).rejects.toThrow(
      'cannot open the model folder models/a: a browser has no folders\n' +
        'Give a ModelFolder instead of a path: openHttpFolder of @lowbit/browser makes one of a URL.',
    );
  });

  it('says that there are no plugins to discover', async () => {
    await expect(discoverPlugins({ from: ['.'] })).rejects.toThrow(
      'a browser has no node_modules to discover plugins in\nImport the plugins and pass them to createRegistry.',
    );
  });

  it('says that records of a reference run are read from files', async () => {
    await expect(openGoldenRecords('golden.safetensors')).rejects.toThrow(
      'golden.safetensors: expected a system with files, found none, as in a browser\n' +
        'Read it through a source of your own, or over HTTP with @lowbit/browser.',
    );
  });

  it('renders chat templates in a worker, one after the other', async () => {
    const chat = createChatRenderer({ template: '{% for m in messages %}[{{ m.content }}]{% endfor %}' });
    const render = (content: string) => chat.render([{ role: 'user', content }]);
    expect(await Promise.all([render('a'), render('b')])).toEqual(['[a]', '[b]']);
    chat.close();
    await expect(render('c')).rejects.toThrow('the renderer is closed');
  });

  it('passes on what a template refuses', async () => {
    const chat = createChatRenderer({ template: '{{ raise_exception("no") }}' });
    await expect(chat.render([])).rejects.toThrow('the chat template refuses this conversation: no');
    chat.close();
  });

  it('ends a template that takes too long, and renders again', async () => {
    const template =
      '{% if slow %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}ok';
    const chat = createChatRenderer({ template, limits: { milliseconds: 200 } });
    await expect(chat.render([], { variables: { slow: true } })).rejects.toThrow('took longer than 200 ms');
    expect(await chat.render([])).toBe('ok');
    chat.close();
  });

  it('says when the script of the worker does not run', async () => {
    class Broken extends BrowserWorker {
      constructor() {
        super(new URL('data:text/javascript,throw new Error("not served")'));
      }
    }
    vi.stubGlobal('Worker', Broken);
    const chat = createChatRenderer({ template: 'a' });
    await expect(chat.render([])).rejects.toThrow(
      'the chat template could not be rendered: its worker could not run: not served',
    );
  });
});
