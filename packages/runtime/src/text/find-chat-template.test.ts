import { describe, expect, it } from 'vitest';
import { findChatTemplate } from './find-chat-template.ts';

describe('findChatTemplate', () => {
  it('takes the string, the default of a list, and the file before both', () => {
    expect(findChatTemplate({ tokenizerConfig: { chat_template: 'a' } })).toBe('a');
    const list = [
      { name: 'tool_use', template: 'b' },
      { name: 'default', template: 'c' },
    ];
    expect(findChatTemplate({ tokenizerConfig: { chat_template: list } })).toBe('c');
    expect(findChatTemplate({ tokenizerConfig: { chat_template: list }, jinjaFile: 'd' })).toBe('d');
  });

  it('finds nothing where nothing is', () => {
    expect(findChatTemplate({})).toBeUndefined();
    expect(findChatTemplate({ tokenizerConfig: { chat_template: null } })).toBeUndefined();
  });

  it('names the file and what it found instead', () => {
    expect(() => findChatTemplate({ tokenizerConfig: { chat_template: 7 } })).toThrow(
      'tokenizer_config.json: chat_template: expected a template, or a list of { name, template } with one named "default", found 7',
    );
    expect(() => findChatTemplate({ tokenizerConfig: { chat_template: [{ name: 'rag', template: '' }] } })).toThrow(
      'found ["rag"]',
    );
  });
});
