import type { JsonObject } from '@lowbit/core';
import type { ChatMessage } from '@lowbit/runtime';
import * as z from 'zod';
import { RequestError } from '../errors.ts';
import { type FieldRules, parseFields } from '../parse-fields.ts';

const roles = ['system', 'developer', 'user', 'assistant'] as const;

const schema = z.object({
  role: z.enum(roles, `expected one of ${roles.join(', ')}`),
  content: z.union(
    [z.string(), z.array(z.looseObject({ type: z.string() })).min(1)],
    'expected text, or a list of parts that have a type',
  ),
  name: z.string().optional(),
});

type ContentPart = Exclude<z.output<typeof schema>['content'], string>[number];

const tools = { reason: 'tools are not supported' };

const rules: FieldRules<typeof schema> = {
  schema,
  known: Object.keys(schema.shape),
  refused: {
    tool_calls: tools,
    tool_call_id: tools,
    function_call: tools,
    audio: { reason: 'audio is not supported' },
  },
  ignored: ['refusal', 'annotations'],
  unknown: 'error',
};

/**
 * Reads the messages of a chat. Several text parts of one message are joined by line breaks.
 * @throws RequestError naming the message, `messages[2].content[0]`
 */
export function parseChatMessages(messages: readonly JsonObject[]): ChatMessage[] {
  return messages.map((message, index) => {
    const at = `messages[${index}].`;
    const { role, content, name } = parseFields(rules, message, at).value;
    const text = typeof content === 'string' ? content : joinParts(content, `${at}content`);
    return { role, content: text, ...(name !== undefined && { name }) };
  });
}

function joinParts(parts: readonly ContentPart[], at: string): string {
  return parts
    .map((part, index) => {
      const param = `${at}[${index}]`;
      if (part.type !== 'text') {
        const message = `${param}.type: only text parts are supported, found ${JSON.stringify(part.type.slice(0, 80))}`;
        throw new RequestError({ message, param: `${param}.type` });
      }
      const { text } = part;
      if (typeof text !== 'string') {
        throw new RequestError({ message: `${param}.text: expected text`, param: `${param}.text` });
      }
      return text;
    })
    .join('\n');
}
