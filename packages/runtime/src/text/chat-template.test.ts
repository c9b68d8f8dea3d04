import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ChatMessage, type ChatRenderer, type ChatRendererOptions, createChatRenderer } from './chat-template.ts';
import { ChatTemplateError } from './chat-template-error.ts';

const renderers: ChatRenderer[] = [];

function renderer(template: string, options: Omit<ChatRendererOptions, 'template'> = {}): ChatRenderer {
  const one = createChatRenderer({ template, ...options });
  renderers.push(one);
  return one;
}

afterEach(() => {
  for (const one of renderers.splice(0)) one.close();
});

const conversation: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi ' },
  { role: 'assistant', content: 'Hello' },
  { role: 'user', content: 'Bye' },
];

// In the shape of Qwen2's template.
const chatml = `{%- for message in messages %}
    {%- if loop.first and message.role != 'system' %}
        {{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;

// In the shape of Llama 3.1's template.
const llama = `{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" + system_message + "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
`;

// In the shape of Mistral's template.
const mistral = `{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
        {{- raise_exception("Roles must alternate user/assistant/user/assistant/...") }}
    {%- endif %}
    {%- set ns.index = ns.index + 1 %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- else %}
        {% generation %}{{- " " + message["content"]|trim + eos_token }}{% endgeneration %}
    {%- endif %}
{%- endfor %}
`;

describe('templates in the shapes of real ones', () => {
  it('renders ChatML', async () => {
    const chat = renderer(chatml);
    expect(await chat.render(conversation)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <|im_end|>\n' +
        '<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(await chat.render([{ role: 'user', content: 'x' }], { addGenerationPrompt: false })).toBe(
      '<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nx<|im_end|>\n',
    );
  });

  it('renders the one of Llama 3, with the date of the wall clock', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(2024, 6, 4, 23, 30) });
    try {
      const chat = renderer(llama, { tokenizerConfig: { bos_token: '<|begin_of_text|>' } });
      expect(await chat.render(conversation.slice(0, 2))).toBe(
        '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nToday Date: 04 Jul 2024\n\nBe brief.<|eot_id|>' +
          '<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
      );
      expect(await chat.render([], { variables: { date_string: 'never' } })).toContain('Today Date: never');
    } finally {
      vi.useRealTimers();
    }
  });

  it('renders the one of Mistral, and passes on what it refuses', async () => {
    const chat = renderer(mistral, { tokenizerConfig: { bos_token: { content: '<s>' }, eos_token: '</s>' } });
    expect(await chat.render(conversation)).toBe('<s>[INST] Hi [/INST] Hello</s>[INST] Be brief.\n\nBye[/INST]');
    const error = await chat.render([{ role: 'assistant', content: 'x' }]).catch((one) => one);
    expect(error).toBeInstanceOf(ChatTemplateError);
    expect(error.reason).toBe('raised');
    expect(error.message).toBe(
      'the chat template refuses this conversation: Roles must alternate user/assistant/user/assistant/...',
    );
    expect(await chat.render([{ role: 'user', content: 'x' }])).toBe('<s>[INST] x[/INST]');
  });

  it('has tojson, macros, more variables, and nothing for tools', async () => {
    const chat = renderer(
      '{% macro tag(name) %}<{{ name }}>{% endmacro %}{{ tag(mode) }}{{ messages[0]|tojson }}{{ tools }}{{ tools is none }}',
    );
    expect(await chat.render([{ role: 'user', content: 'é"' }], { variables: { mode: 'fast' } })).toBe(
      '<fast>{"role": "user", "content": "é\\""}true',
    );
  });

  it('drops the newline after a block and the blanks before it', async () => {
    expect(await renderer('a\n  {% if true %}\nb\n  {% endif %}\nc').render([])).toBe('a\nb\nc');
  });

  it('writes every part of a date', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(2024, 0, 5, 0, 7, 9) });
    try {
      const chat = renderer('{{ strftime_now("%Y %y %m %B %b %d %j %A %a %H %I %p %M %S %% %Q") }}');
      expect(await chat.render([])).toBe('2024 24 01 January Jan 05 005 Friday Fri 00 12 AM 07 09 % %Q');
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves a loop early as often as it wants', async () => {
    const chat = renderer('{% for i in range(5000) %}{% if i > 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}');
    expect(await chat.render([])).toBe('01');
  });

  it('renders several at once, each its own', async () => {
    const chat = renderer('{{ messages[0].content }}');
    const texts = await Promise.all(['a', 'b', 'c'].map((content) => chat.render([{ role: 'user', content }])));
    expect(texts).toEqual(['a', 'b', 'c']);
  });
});

describe('what goes wrong', () => {
  const faults: [string, string, string, string][] = [
    ['a statement that is not closed', '{% if messages %}x', 'syntax', 'the chat template cannot be parsed: '],
    ['a stray word', 'Hello {% frobnicate %}', 'syntax', 'Unknown statement type: frobnicate near "Hello'],
    ['a call of nothing', '{{ messages.nothing() }}', 'failed', 'the chat template failed: Cannot call'],
    ['brackets without end', `{{ ${'('.repeat(20_000)} }}`, 'syntax', 'nested too deeply'],
  ];
  it.each(faults)('says so: %s', async (_, template, reason, words) => {
    const error = await renderer(template)
      .render([])
      .catch((one) => one);
    expect(error).toBeInstanceOf(ChatTemplateError);
    expect({ reason: error.reason, message: error.message }).toEqual({
      reason,
      message: expect.stringContaining(words),
    });
    expect(error.message).toContain('Give a template of your own with the option chatTemplate');
  });

  it('refuses a template over the size limit before anything runs', () => {
    expect(() => createChatRenderer({ template: 'x'.repeat(11), limits: { templateCharacters: 10 } })).toThrow(
      'the chat template is 11 characters long, more than the 10 allowed',
    );
  });

  it('refuses variables that are not data', async () => {
    const chat = renderer('{{ f() }}');
    await expect(chat.render([], { variables: { f: () => 'x' } })).rejects.toThrow(
      'the chat template failed: a variable is not plain data: ',
    );
    expect(await chat.render([], { variables: { f: 1 } }).catch((error) => error.message)).toContain('Cannot call');
  });

  it('stops where the signal says, waiting or working', async () => {
    const chat = renderer('{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}');
    const controller = new AbortController();
    const working = chat.render([], {}, controller.signal);
    const waiting = chat.render([], {}, controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(working).rejects.toThrow('enough');
    await expect(waiting).rejects.toThrow('enough');
  });

  it('ends renders when it is closed', async () => {
    const chat = renderer('{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}');
    const working = chat.render([]);
    setTimeout(() => chat.close(), 200);
    await expect(working).rejects.toThrow('the chat template could not be rendered: the renderer is closed');
    await expect(chat.render([])).rejects.toThrow('the renderer is closed');
  });
});

describe('hostile templates', () => {
  const doubled = (times: number) =>
    `{% set ns = namespace(s="abcdefgh") %}{% for i in range(${times}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`;
  const cases: [string, string, ChatTemplateError['reason'], string][] = [
    [
      'loops in loops',
      '{% for i in range(100000) %}{% for j in range(100000) %}{{ j }}{% endfor %}{% endfor %}',
      'time',
      'the chat template took longer than 500 ms',
    ],
    ['a range bomb', '{{ range(100000000)|length }}', 'list', 'made a list of more than 100000 items'],
    ['a range without end', '{% for i in range(1, 0, 0) %}x{% endfor %}', 'failed', 'a step that is not zero'],
    ['a range to infinity', '{{ range(10 ** 300)|length }}', 'list', 'made a list of more than 100000 items'],
    ['text that doubles', `${doubled(40)}{{ ns.s }}`, 'output', 'made a text of more than 8388608 characters'],
    [
      'lists that double',
      '{% set ns = namespace(l=[1, 2]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}',
      'list',
      'made a list of more than 100000 items',
    ],
    [
      'huge output in pieces',
      `${doubled(20)}{% for i in range(100000) %}{{ ns.s }}{% endfor %}`,
      'output',
      'made a text of more than 8388608 characters',
    ],
    [
      'a macro that calls itself',
      '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
      'depth',
      'nesting deeper than 500',
    ],
    ['deep expressions', `{{ ${'not '.repeat(1500)} x }}`, 'depth', 'nesting deeper than 500'],
    [
      'more memory than there is',
      '{% set ns = namespace(l=[]) %}{% for i in range(10000) %}{% set ns.l = ns.l + [range(100000)] %}{% endfor %}',
      'memory',
      'the chat template took more memory than 64 MB',
    ],
    [
      'nested lists that unfold',
      '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}',
      'time',
      'took longer than 500 ms',
    ],
  ];
  it.each(cases)('%s: ends, and the next render works', async (_, attack, reason, words) => {
    const chat = renderer(`{% if attack %}${attack}{% endif %}alive`, {
      // Filling a heap takes longer than a loop may.
      limits: reason === 'memory' ? { heapMegabytes: 64, milliseconds: 20_000 } : { milliseconds: 500 },
    });
    const error = await chat.render([], { variables: { attack: true } }).catch((one) => one);
    expect({ reason: error.reason, message: error.message }).toEqual({
      reason,
      message: expect.stringContaining(words),
    });
    expect(await chat.render([])).toBe('alive');
  });

  it('ends while it is still being parsed', async () => {
    const chat = renderer(`x${' '.repeat(1 << 19)}x`, { limits: { milliseconds: 300 } });
    await expect(chat.render([])).rejects.toThrow('the chat template took longer than 300 ms');
  });

  it('finds no way out of the sandbox', async () => {
    const attempts = [
      '{{ messages.constructor }}',
      '{{ messages["__proto__"] }}',
      '{{ "".constructor.constructor }}',
      '{{ messages[0].__proto__ }}',
      '{{ range.constructor }}',
      '{{ namespace.__proto__ }}',
      '{{ raise_exception["constructor"] }}',
      '{{ process }}{{ globalThis }}{{ require }}{{ self }}',
      '{% set ns = namespace() %}{{ ns.constructor }}{{ ns["__proto__"] }}',
      '{{ loop }}{{ this }}{{ caller }}',
    ];
    const message = JSON.parse('{"role":"user","content":"x","__proto__":{"polluted":true}}');
    for (const template of attempts) {
      expect([template, await renderer(template).render([message])]).toEqual([
        template,
        template.includes('messages[0].__proto__') ? '{"polluted": true}' : '',
      ]);
    }
  });
});
