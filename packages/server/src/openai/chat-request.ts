import type { GenerateRequest, Model } from '@lowbit/runtime';
import { RequestError } from '../errors.ts';
import { type ChatBody, requestedMaxTokens } from '../schemas/chat-body.ts';
import { parseChatMessages } from '../schemas/chat-messages.ts';
import { openAiSampling } from '../schemas/openai-sampling.ts';
import { requireTokenizer } from './require-tokenizer.ts';

/**
 * The generations that a chat body asks for, one per choice. Without a limit of its own, an answer may fill what the
 * prompt leaves of the context.
 * @throws RequestError where the model cannot chat, or a message holds more than text
 */
export async function chatRequests(body: ChatBody, model: Model): Promise<GenerateRequest[]> {
  const messages = parseChatMessages(body.messages);
  const tokenizer = requireTokenizer(model, '/v1/chat/completions');
  if (!model.info.hasChatTemplate) {
    throw new RequestError({
      message: 'the model has no chat template, so that messages cannot be written as a prompt',
      param: 'messages',
      remedy: 'Use /v1/completions, or give the server a chat template.',
    });
  }
  const prompt = await model.renderChat(messages, { variables: body.chat_template_kwargs });
  // Templates write special tokens themselves; adding them again would double the first one.
  const tokenIds = tokenizer.encode(prompt, { addSpecialTokens: false });
  const room = Math.min(model.info.contextLength, model.status().kvCache.total) - tokenIds.length;
  const maxTokens = requestedMaxTokens(body) ?? Math.max(room, 1);
  return Array.from({ length: body.n ?? 1 }, (_, sample) => ({
    prompt: tokenIds,
    sampling: openAiSampling(body, maxTokens, sample),
    logprobs: body.logprobs ? { top: body.top_logprobs } : undefined,
  }));
}
